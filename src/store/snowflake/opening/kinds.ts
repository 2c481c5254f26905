/**
 * Checks whether the tables are transient or permanent.
 *
 * Invariants:
 * - Where a kind was asked for, tables of another kind are refused before anything is written.
 * - Where it makes no difference nothing is sent: no kind was asked for, and no table is to be made.
 */
import { StoreError } from '../../../errors.js';
import { identifier, type Tables } from '../names.js';
import { text } from '../rows.js';
import type { TableKind } from '../schema.js';
import type { OpeningParts } from './parts.js';

/** The kind of the tables that are to be made. @throws StoreError `STORE_TABLE_KIND` */
export async function kindForTables(parts: OpeningParts, makes: boolean): Promise<TableKind> {
  const { tableKind: asked } = parts.options;
  if (asked === undefined && !makes) return 'transient';
  const existing = await existingKinds(parts);
  if (asked === undefined) return existing.some(({ kind }) => kind === 'permanent') ? 'permanent' : 'transient';
  const others = existing.filter(({ kind }) => kind !== asked);
  if (others.length > 0) throw otherKind(parts, asked, others);
  return asked;
}

interface Existing {
  readonly table: keyof Tables;
  /** In Snowflake's word where it is neither of ours, such as `temporary`. */
  readonly kind: string;
}

async function existingKinds({ names, statements, sessions: [session] }: OpeningParts): Promise<Existing[]> {
  const found: Existing[] = [];
  for (const { table, text: statement } of statements.store.kinds) {
    const rows = await session.run(statement);
    const row = rows.find((one) => `${names.wholeSchema}.${identifier(text(one, 'name'))}` === names[table]);
    if (row === undefined) continue;
    const word = text(row, 'kind').toLowerCase();
    found.push({ table, kind: word === 'table' ? 'permanent' : word });
  }
  return found;
}

function otherKind({ names }: OpeningParts, asked: TableKind, others: readonly Existing[]): StoreError {
  const are = others.map(({ table, kind }) => `${names[table]} is ${kind}`).join(', ');
  return new StoreError(
    'STORE_TABLE_KIND',
    `tableKind: expected ${asked} tables, got other ones: ${are}. A table keeps the kind that it was made with: leave ` +
      `tableKind out to use these tables as they are, or set another schema or a tablePrefix to have ${asked} ones made. ` +
      'Nothing has been written',
    false,
  );
}

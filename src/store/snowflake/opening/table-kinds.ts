/**
 * Checks whether the tables are transient or permanent.
 *
 * Invariants:
 * - Where a kind was asked for, tables of another kind are refused before anything is written. There is one exception: two
 *   pods that make tables of different kinds at the same instant find each other's only afterwards. The error says so.
 * - Where it makes no difference nothing is sent: no kind was asked for, and no table is to be made.
 */
import { StoreError } from '../../../errors.js';
import { identifier, type Tables } from '../table-names.js';
import { text } from '../rows.js';
import type { TableKind } from '../schema.js';
import type { OpeningContext } from './opening-context.js';

/** The kind of the tables that are to be made; nothing has been written yet. @throws StoreError `STORE_TABLE_KIND` */
export async function kindForTables(parts: OpeningContext, makes: boolean): Promise<TableKind> {
  const { tableKind: asked } = parts.options;
  if (asked === undefined && !makes) return 'transient';
  const existing = await existingKinds(parts);
  if (asked === undefined) return existing.some(({ kind }) => kind === 'permanent') ? 'permanent' : 'transient';
  refuseOthers(parts, asked, existing, 'Nothing has been written');
  return asked;
}

/** Refuses tables that another pod has made of another kind while this one made its own. @throws StoreError `STORE_TABLE_KIND` */
export async function refuseOtherKinds(parts: OpeningContext): Promise<void> {
  const { tableKind: asked } = parts.options;
  if (asked === undefined) return;
  const why =
    'Another pod made tables at the same time, so some have been made before this was found; no step has been written';
  refuseOthers(parts, asked, await existingKinds(parts), why);
}

interface Existing {
  readonly table: keyof Tables;
  /** In Snowflake's word where it is neither of ours, such as `temporary`. */
  readonly kind: string;
}

async function existingKinds({ names, statements, sessions: [session] }: OpeningContext): Promise<Existing[]> {
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

function refuseOthers(
  { names }: OpeningContext,
  asked: TableKind,
  existing: readonly Existing[],
  written: string,
): void {
  const others = existing.filter(({ kind }) => kind !== asked);
  if (others.length === 0) return;
  const are = others.map(({ table, kind }) => `${names[table]} is ${kind}`).join(', ');
  throw new StoreError(
    'STORE_TABLE_KIND',
    `tableKind: expected ${asked} tables, got other ones: ${are}. A table keeps the kind that it was made with: leave ` +
      `tableKind out to use these tables as they are, or set another schema or a tablePrefix to have ${asked} ones made. ` +
      written,
    false,
  );
}

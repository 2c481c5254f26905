/**
 * Checks whether the tables are transient or permanent, and chooses the kind of new ones.
 *
 * Invariants:
 * - If the options ask for a kind, tables of another kind are refused before anything is written. There is one exception: two
 *   pods that create tables of different kinds at the same moment find each other's only afterwards. The error says so.
 * - If the options ask for no kind and no table has to be created, nothing is sent.
 * - Nothing is created beside tables that are neither transient nor permanent, such as hybrid ones.
 */
import { StoreError } from '../../../errors.js';
import { identifier, type Tables } from '../table-names.js';
import { text } from '../rows.js';
import { TABLE_KINDS, type TableKind } from '../schema.js';
import type { Row } from '../session/session-interface.js';
import type { OpeningContext } from './opening-context.js';

/** The kind of the tables that have to be created. Nothing has been written yet. @throws StoreError `STORE_TABLE_KIND` */
export async function kindForTables(context: OpeningContext, creates: boolean): Promise<TableKind> {
  const { tableKind: asked } = context.options;
  if (asked === undefined && !creates) return 'transient';
  const existing = await existingKinds(context);
  if (asked === undefined) {
    refuseUnusable(context, existing);
    return existing.some(({ kind }) => kind === 'permanent') ? 'permanent' : 'transient';
  }
  refuseOthers(context, asked, existing, 'Nothing has been written');
  return asked;
}

/** Refuses tables of another kind that another pod has created meanwhile. @throws StoreError `STORE_TABLE_KIND` */
export async function refuseOtherKinds(context: OpeningContext): Promise<void> {
  const { tableKind: asked } = context.options;
  if (asked === undefined) return;
  const why =
    'Another pod made tables at the same time, so some were made before this was noticed; no step was written';
  refuseOthers(context, asked, await existingKinds(context), why);
}

interface Existing {
  readonly table: keyof Tables;
  /** Snowflake's word, if it is neither of ours, such as `temporary`. */
  readonly kind: string;
}

/** The tables that exist, as SHOW TABLES shows them. */
export async function shownTables(context: OpeningContext): Promise<ReadonlyMap<keyof Tables, Row>> {
  const { names, statements, sessions } = context;
  const [session] = sessions;
  const shown = new Map<keyof Tables, Row>();
  for (const { table, text: statement } of statements.opening.kinds) {
    const rows = await session.run(statement);
    const row = rows.find((one) => `${names.wholeSchema}.${identifier(text(one, 'name'))}` === names[table]);
    if (row !== undefined) shown.set(table, row);
  }
  return shown;
}

/** @param row of SHOW TABLES */
export function kindOf(row: Row): string {
  if (text(row, 'is_hybrid').toUpperCase() === 'Y') return 'hybrid'; // the column `kind` says TABLE
  const word = text(row, 'kind').toLowerCase();
  return word === 'table' ? 'permanent' : word;
}

async function existingKinds(context: OpeningContext): Promise<Existing[]> {
  return [...(await shownTables(context))].map(([table, row]) => ({ table, kind: kindOf(row) }));
}

/** Hybrid tables take other locks, and cannot be migrated as ours are. Temporary ones are seen by one session alone. */
function refuseUnusable({ names }: OpeningContext, existing: readonly Existing[]): void {
  const unusable = existing.filter(({ kind }) => !TABLE_KINDS.some((one) => one === kind));
  if (unusable.length === 0) return;
  const are = unusable.map(({ table, kind }) => `${names[table]} is ${kind}`).join(', ');
  const message = `expected transient or permanent tables, got others: ${are}. Set another schema or a tablePrefix. Nothing has been written`;
  throw new StoreError('STORE_TABLE_KIND', message, false);
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
    `tableKind: expected ${asked} tables, got others: ${are}. A table keeps the kind that it was created with: leave ` +
      `tableKind out to use these tables, or set another schema or a tablePrefix to create ${asked} ones. ` +
      written,
    false,
  );
}

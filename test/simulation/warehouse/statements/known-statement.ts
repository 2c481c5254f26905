/** What the modelled warehouse knows of a statement: its model, and how it is treated. */
import type { Tables } from '../../../../src/store/snowflake/table-names.js';
import type { StatementModel } from '../tables.js';

/**
 * - `select`, `insert`: need a slot of the warehouse.
 * - `update`, `delete`: need one too, and the table for themselves.
 * - `metadata`: answered without a warehouse. Definitions are among them.
 * - `session`: about the session alone.
 */
export type StatementKind = 'select' | 'insert' | 'update' | 'delete' | 'metadata' | 'session';

export interface KnownStatement {
  /** As in `Statements`: `steps.find`. */
  readonly name: string;
  readonly kind: StatementKind;
  /** The table that it changes. */
  readonly table: keyof Tables | undefined;
  readonly model: StatementModel;
  /** Of a SELECT that is sent for its columns: what the driver says of them. */
  readonly columns?: readonly { readonly name: string; readonly type: string }[];
}

export type Known = Omit<KnownStatement, 'name'>;
export type Named = readonly [name: string, text: string, known: Known];

export const select = (model: StatementModel): Known => ({ kind: 'select', table: undefined, model });
export const free = (model: StatementModel): Known => ({ kind: 'metadata', table: undefined, model });
export const changing =
  (kind: 'insert' | 'update' | 'delete') =>
  (table: keyof Tables, model: StatementModel): Known => ({ kind, table, model });
export const [inserts, updates, deletes] = [changing('insert'), changing('update'), changing('delete')];

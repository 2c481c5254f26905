/** What the warehouse knows of a statement: its model, and how it is treated. */
import type { StatementModel } from '../tables.js';

/**
 * - `select`, `insert`: need a slot.
 * - `update`, `delete`: need a slot, and the table for themselves.
 * - `metadata`: answered without a warehouse.
 * - `session`: ALTER SESSION, without a warehouse, for this session alone.
 */
export type StatementKind = 'select' | 'insert' | 'update' | 'delete' | 'metadata' | 'session';

export interface KnownStatement {
  /** For traces and the meter: `exchange.look`. */
  readonly name: string;
  readonly kind: StatementKind;
  /** The table that it changes: the text of its name. */
  readonly table?: string | undefined;
  readonly model: StatementModel;
  /** The columns of its rows, with the driver's words for their types; only where a pod asks for them. */
  readonly columns?: readonly { readonly name: string; readonly type: string }[] | undefined;
}

/** Finds a statement by its text; `undefined` if no pod sends it. */
export type Registry = (text: string) => KnownStatement | undefined;

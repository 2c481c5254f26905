/**
 * Holds the model of a statement to its text: both run on the same state, and must answer the same rows and leave the same.
 *
 * ```ts
 * export const find: Comparison = { textOf: ({ steps }) => steps.find, makeBind: (random, state) => someIds(random, state) };
 * ```
 */
import type { Statements } from '../../../../src/store/snowflake/statements.js';
import type { Random } from '../../../chaos/random.js';
import type { AnsweredRow } from './emulated-tables.js';
import type { State } from './state.js';

export interface Comparison {
  /** The text; a count in it may be random. */
  readonly textOf: (statements: Statements, random: Random) => string;
  /** The statement's bind, for JSON; without it, the statement has none. */
  readonly makeBind?: (random: Random, state: State, now: number) => unknown;
  /** What the tables hold. Default: {@link randomState}. */
  readonly makeState?: (random: Random, now: number) => State;
  /** Whether the order of the rows counts. */
  readonly isOrdered?: true;
  /** The rows without what the text leaves open. */
  readonly shown?: (rows: readonly AnsweredRow[]) => readonly AnsweredRow[];
}

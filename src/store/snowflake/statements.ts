/**
 * Every SQL text of this store, by name.
 *
 * Invariants:
 * - The text of a statement is constant once the tables have their names. Values travel in one JSON bind; only validated counts
 *   are inlined.
 * - Every guard is a condition on the target row, and every UPDATE's source has one row for each step.
 * - `SYSDATE()` is the only clock.
 * - An alias never equals a column's name, because Snowflake prefers the column.
 * - A comment stands beside the text in TypeScript, never in the text.
 */
import { exchangeStatements, type ExchangeStatements } from './exchange/statements.js';
import { housekeepingStatements, type HousekeepingStatements } from './housekeeping/statements.js';
import { openingStatements, type OpeningStatements } from './opening/statements.js';
import { podStatements, type PodStatements } from './pods/statements.js';
import { stepStatements, type StepStatements } from './steps/statements.js';
import { literal, type Names } from './table-names.js';

export interface Statements {
  readonly exchange: ExchangeStatements;
  readonly steps: StepStatements;
  readonly pods: PodStatements;
  readonly housekeeping: HousekeepingStatements;
  readonly opening: OpeningStatements;
  readonly store: StoreStatements;
}

export interface StoreStatements {
  /** A value that changes with each change of the steps. Answered without a warehouse. */
  readonly pulse: string;
  /** How many rows the table of steps has. Answered without a warehouse, as long as nothing is filtered. */
  readonly census: string;
}

/** The texts that were built last: the stores of a process are mostly in one place. */
let last: { readonly stepTracker: string; readonly statements: Statements } | undefined;

/** @see Statements */
export function statementsOf(names: Names): Statements {
  // The name of one table holds all that the names of the others are made of.
  if (last?.stepTracker !== names.stepTracker) last = { stepTracker: names.stepTracker, statements: build(names) };
  return last.statements;
}

function build(names: Names): Statements {
  return Object.freeze({
    exchange: exchangeStatements(names),
    steps: stepStatements(names),
    pods: podStatements(names),
    housekeeping: housekeepingStatements(names),
    opening: openingStatements(names),
    store: {
      pulse: `SELECT SYSTEM$LAST_CHANGE_COMMIT_TIME(${literal(names.stepTracker)}) AS token`,
      census: `SELECT COUNT(*) AS row_count FROM ${names.stepTracker}`,
    },
  });
}

/**
 * Repairs rows whose numbers are out of range, because somebody's SQL wrote them.
 *
 * JavaScript cannot distinguish a `version` of 2^53 from the next one, so no settlement would match it. Adding 1 to 2^63 - 1
 * fails. Without a repair, such a row would stay claimed forever, or fail the exchange of every pod that claims it.
 *
 * Invariants:
 * - A row is repaired only where it is met, in the transaction that meets it.
 * - A repaired version is 0, which no claim ever had: the claim's holder has lost it.
 * - A count becomes the nearest one in range.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { CandidateRow } from '../row-mapping.js';
import { COUNTABLE, REPAIR } from './statements.js';

export class RowRepair {
  readonly #repair: Statement<[string]>;

  constructor(connection: Database) {
    this.#repair = connection.prepare<[string]>(REPAIR);
  }

  /** Repairs the steps that need it; call it within a transaction. @returns how many needed it */
  of(stepIds: readonly string[]): number {
    return this.#repair.run(JSON.stringify(stepIds)).changes;
  }
}

export function isVersion(version: number): boolean {
  return version >= 0 && version <= COUNTABLE.version;
}

/** Whether a claim of this row can be settled, whatever its outcome. */
export function isClaimable(row: readonly [...CandidateRow, ...unknown[]]): boolean {
  const { count } = COUNTABLE;
  const crashes = row[9];
  return (
    isVersion(row[5]) && Math.abs(row[7]) <= count && Math.abs(row[8]) <= count && crashes >= 0 && crashes <= count
  );
}

/**
 * Repairs of rows whose numbers somebody has written by hand, beyond what this library can count with.
 *
 * A `version` of 2^53 cannot be told from the next one in JavaScript, so that no settlement would match it; to add 1 to
 * 2^63 - 1 fails. Such a row would stay claimed, or stop every pod that claims it, for ever.
 *
 * Invariants: rows are repaired where they are met, in the transaction that meets them, and only then. A repaired version
 * is 0, which no claim ever had: its holder has lost it. Counts become the nearest countable ones.
 */
import type { Database, Statement } from 'better-sqlite3';
import { COUNTABLE, REPAIR } from './statements.js';

export class RowRepair {
  readonly #repair: Statement<[string]>;

  constructor(connection: Database) {
    this.#repair = connection.prepare<[string]>(REPAIR);
  }

  /** Repairs those of these steps that need it; answers how many did. Call it within a transaction. */
  of(stepIds: readonly string[]): number {
    return this.#repair.run(JSON.stringify(stepIds)).changes;
  }
}

export function isVersion(version: number): boolean {
  return version >= 0 && version <= COUNTABLE.version;
}

/** Whether a claim with these numbers can be settled, whatever becomes of it. */
export function isCountable(version: number, retryCount: number, maxRetries: number, crashes: number): boolean {
  const { count } = COUNTABLE;
  return (
    isVersion(version) &&
    Math.abs(retryCount) <= count &&
    Math.abs(maxRetries) <= count &&
    crashes >= 0 &&
    crashes <= count
  );
}

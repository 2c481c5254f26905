/** Counts the statements that the proxy has seen, for tests and for the cost. */
import type { StatementKind } from './statement-kind.js';

/** One statement that ran, or was refused. */
export interface Reading {
  readonly kind: StatementKind;
  /** `DATABASE.SCHEMA.TABLE`, of a statement that changes one. */
  readonly table: string | undefined;
  /** QUERY_TAG of its session. */
  readonly tag: string;
  readonly session: number;
  readonly text: string;
  readonly locks: boolean;
  /** Answered without a warehouse. */
  readonly free: boolean;
  /** Waited for a slot. */
  readonly queuedMs: number;
  readonly lockWaitMs: number;
  /** Held a slot, in which it may have waited for a lock. */
  readonly slotMs: number;
  /** Rows changed or returned. */
  readonly rows: number;
  /** Size of its binds. */
  readonly bindBytes: number;
  /** The code of its failure. */
  readonly code: string | undefined;
}

export interface Report {
  readonly statements: number;
  readonly byKind: Readonly<Partial<Record<StatementKind, number>>>;
  readonly byTag: Readonly<Record<string, number>>;
  /** Those that took a table's lock. */
  readonly locking: number;
  /** Statements that needed no warehouse. */
  readonly free: number;
  readonly failed: Readonly<Record<string, number>>;
  readonly queuedMs: number;
  readonly lockWaitMs: number;
  readonly slotMs: number;
  readonly largestBindBytes: number;
}

/** The last readings are kept whole; older ones only in the sums. */
const KEPT = 20_000;

export class Meter {
  #readings: Reading[] = [];
  #forgotten = 0;

  /** Statements in the order in which they ended, since the start or the last `reset`. */
  get readings(): readonly Reading[] {
    return this.#readings;
  }

  record(reading: Reading): void {
    this.#readings.push(reading);
    if (this.#readings.length <= 2 * KEPT) return;
    this.#readings = this.#readings.slice(KEPT);
    this.#forgotten += KEPT;
  }

  reset(): void {
    this.#readings = [];
    this.#forgotten = 0;
  }

  /** The sums over the readings that match. Throws if some were dropped: call `reset` before a long count. */
  report(match: (reading: Reading) => boolean = () => true): Report {
    if (this.#forgotten > 0)
      throw new Error(`The meter has forgotten ${this.#forgotten} readings: reset it in between`);
    const readings = this.#readings.filter(match);
    const sum = (of: (reading: Reading) => number) => readings.reduce((total, reading) => total + of(reading), 0);
    return {
      statements: readings.length,
      byKind: countBy(readings.map(({ kind }) => kind)),
      byTag: countBy(readings.map(({ tag }) => tag)),
      locking: sum(({ locks }) => Number(locks)),
      free: sum(({ free }) => Number(free)),
      failed: countBy(readings.flatMap(({ code }) => code ?? [])),
      queuedMs: sum(({ queuedMs }) => queuedMs),
      lockWaitMs: sum(({ lockWaitMs }) => lockWaitMs),
      slotMs: sum(({ slotMs }) => slotMs),
      largestBindBytes: Math.max(0, ...readings.map(({ bindBytes }) => bindBytes)),
    };
  }
}

function countBy<K extends string>(words: readonly K[]): Record<K, number> {
  const counts = {} as Record<K, number>;
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

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

/** So many of the last readings are kept whole. The sums are of all. */
const KEPT = 20_000;

export class Meter {
  #readings: Reading[] = [];
  #forgotten = 0;
  #all = new Sums();

  /** Statements in the order in which they ended, since the start or the last `reset`: at least the last 20,000. */
  get readings(): readonly Reading[] {
    return this.#readings;
  }

  record(reading: Reading): void {
    this.#all.add(reading);
    this.#readings.push(reading);
    if (this.#readings.length <= 2 * KEPT) return;
    this.#readings = this.#readings.slice(KEPT);
    this.#forgotten += KEPT;
  }

  reset(): void {
    this.#readings = [];
    this.#forgotten = 0;
    this.#all = new Sums();
  }

  /** The sums over all readings, or over those that match. Throws if some of these were dropped: call `reset` in between. */
  report(match?: (reading: Reading) => boolean): Report {
    if (match === undefined) return this.#all.report();
    if (this.#forgotten > 0)
      throw new Error(`The meter has forgotten ${this.#forgotten} readings: reset it in between`);
    const sums = new Sums();
    for (const reading of this.#readings) if (match(reading)) sums.add(reading);
    return sums.report();
  }
}

class Sums {
  readonly #report: Writable<Report> = {
    ...{ statements: 0, byKind: {}, byTag: {}, locking: 0, free: 0, failed: {} },
    ...{ queuedMs: 0, lockWaitMs: 0, slotMs: 0, largestBindBytes: 0 },
  };

  add({ kind, tag, locks, free, code, queuedMs, lockWaitMs, slotMs, bindBytes }: Reading): void {
    const sums = this.#report;
    sums.statements++;
    count(sums.byKind, kind);
    count(sums.byTag, tag);
    if (code !== undefined) count(sums.failed, code);
    sums.locking += Number(locks);
    sums.free += Number(free);
    sums.queuedMs += queuedMs;
    sums.lockWaitMs += lockWaitMs;
    sums.slotMs += slotMs;
    sums.largestBindBytes = Math.max(sums.largestBindBytes, bindBytes);
  }

  /** As of now: what comes later does not change it. */
  report(): Report {
    return structuredClone(this.#report);
  }
}

type Writable<T> = { -readonly [key in keyof T]: T[key] extends object ? Record<string, number> : T[key] };

function count(counts: Record<string, number>, word: string): void {
  counts[word] = (counts[word] ?? 0) + 1;
}

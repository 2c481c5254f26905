/**
 * Reads the store's counts for the gauges, as seldom as possible.
 *
 * Invariants:
 * - The store is asked only when a scrape needs the counts, they are older than the interval, and this process may count: a
 *   fleet that nobody scrapes is not asked, and neither is one that sleeps.
 * - One call at a time, however many scrapes wait for it. The queue keeps the counts, and shares them with whatever else reads
 *   them in this process, such as the HTTP API. A call that takes long is followed by a long pause, so that counting
 *   takes up at most about a hundredth of the time.
 * - A scrape waits for the answer only for a moment. It never fails because of the store.
 * - After a failure the last counts are kept for a while, so that an alert does not flap. Then there are none.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { QueueStats } from '../index.js';

/** How long a scrape waits for the counts. */
const WAIT_MS = 2_000;
/** Counts are kept for this many times as long as it took to count. */
const PAUSE_PER_CALL = 100;
const LONGEST_PAUSE_MS = 300_000;
/** Counts older than this many pauses, and than this time, are not shown. */
const KEPT_PAUSES = 2;
const KEPT_AT_LEAST_MS = 60_000;

export interface StatsSourceDependencies {
  /** Asks the queue for counts. @param maxAgeMs the greatest age that they may have */
  readonly stats: (maxAgeMs: number) => Promise<QueueStats>;
  /** Whether this process may count now. */
  readonly mayCount: () => boolean;
  readonly intervalMs: number;
  readonly onError: (error: unknown) => void;
  /** A clock. Default: that of the process. */
  readonly now?: () => number;
  /** How long a scrape waits for the counts. Default 2 s. */
  readonly waitMs?: number;
}

export interface Counts {
  readonly stats: QueueStats;
  readonly ageMs: number;
}

export class StatsSource {
  readonly #deps: StatsSourceDependencies;
  readonly #now: () => number;
  #counted: { readonly stats: QueueStats; readonly at: number } | undefined;
  #calling: Promise<void> | undefined;
  #pauseMs: number;
  #notBefore = -Infinity;

  constructor(deps: StatsSourceDependencies) {
    this.#deps = deps;
    this.#now = deps.now ?? (() => performance.now());
    this.#pauseMs = deps.intervalMs;
  }

  /** The counts that a scrape shows now; `undefined` if there are none. Never rejects. */
  async read(): Promise<Counts | undefined> {
    if (!this.#deps.mayCount()) {
      this.#counted = undefined;
      this.#notBefore = -Infinity; // the next leader begins with fresh counts
      return undefined;
    }
    if (this.#now() >= this.#notBefore) this.#calling ??= this.#count();
    if (this.#calling !== undefined) await atMost(this.#calling, this.#deps.waitMs ?? WAIT_MS);
    return this.#shown();
  }

  #shown(): Counts | undefined {
    if (this.#counted === undefined) return undefined;
    const ageMs = this.#now() - this.#counted.at;
    const isOld = ageMs > Math.max(KEPT_AT_LEAST_MS, KEPT_PAUSES * this.#pauseMs);
    return isOld ? undefined : { stats: this.#counted.stats, ageMs };
  }

  async #count(): Promise<void> {
    const startedAt = this.#now();
    try {
      const stats = await this.#deps.stats(this.#pauseMs);
      const at = this.#now() - stats.ageMs;
      this.#counted = { stats, at };
      this.#pauseFrom(at, stats.tookMs);
    } catch (error) {
      this.#deps.onError(error);
      this.#pauseFrom(this.#now(), this.#now() - startedAt);
    }
    this.#calling = undefined;
  }

  #pauseFrom(at: number, tookMs: number): void {
    const longMs = Math.min(LONGEST_PAUSE_MS, PAUSE_PER_CALL * tookMs);
    this.#pauseMs = Math.max(this.#deps.intervalMs, longMs);
    this.#notBefore = at + this.#pauseMs;
  }
}

async function atMost(work: Promise<void>, ms: number): Promise<void> {
  const ended = new AbortController();
  const timer = sleep(ms, undefined, { signal: ended.signal, ref: false }).catch(() => undefined);
  await Promise.race([work, timer]);
  ended.abort();
}

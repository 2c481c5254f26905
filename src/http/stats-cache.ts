/**
 * Keeps the counts of the store for an interval, so that any number of clients may poll.
 *
 * Invariants: the store is asked at most once an interval, and by one call at a time. A failure counts as an answer.
 */
import type { AnyFleetQ, QueueStats } from '../index.js';

export class StatsCache {
  readonly #queue: Pick<AnyFleetQ, 'stats'>;
  readonly #intervalMs: number;
  #last: Promise<QueueStats> | undefined;
  #askedAt = -Infinity;

  constructor(queue: Pick<AnyFleetQ, 'stats'>, intervalMs: number) {
    this.#queue = queue;
    this.#intervalMs = intervalMs;
  }

  /** The counts, at most an interval old. */
  read(): Promise<QueueStats> {
    const now = performance.now();
    if (this.#last === undefined || now - this.#askedAt >= this.#intervalMs) {
      this.#askedAt = now;
      this.#last = this.#queue.stats();
      this.#last.catch(() => undefined);
    }
    return this.#last;
  }
}

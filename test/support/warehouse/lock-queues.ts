/** A lock for each table, which one statement holds at a time. The others wait in the order of asking, and are limited. */
import { Queue } from './fifo-queue.js';
import { pause } from './pause.js';
import { refusals } from './wire-replies.js';

/** What has happened at locks since the start, or the last `reset`. */
export interface LockCounts {
  /** How often a lock was asked for. */
  readonly asked: number;
  /** The most statements that waited for one table at a time. */
  readonly mostWaiting: number;
  /** Refused because too many waited: 000625. */
  readonly refused: number;
  /** Refused because LOCK_TIMEOUT had passed: 000625 too. */
  readonly timedOut: number;
}

const NONE: LockCounts = { asked: 0, mostWaiting: 0, refused: 0, timedOut: 0 };

export class LockQueues {
  readonly #most: () => number;
  readonly #tables = new Map<string, Queue>();
  readonly #counts = new Map<string, LockCounts>();
  #mostWaiting = 0;

  /** @param most how many statements may wait for one table; the next is refused at once */
  constructor(most: () => number) {
    this.#most = most;
  }

  /** How many statements wait for `table`, or for any. */
  waiting(table?: string): number {
    const queues = table === undefined ? [...this.#tables.values()] : [this.#of(table)];
    return queues.reduce((sum, queue) => sum + queue.waiting, 0);
  }

  /** What has happened at the lock of `table`, or at all of them. */
  counts(table?: string): LockCounts {
    if (table !== undefined) return this.#counts.get(table) ?? NONE;
    return [...this.#counts.values()].reduce(
      (sum, one) => ({
        asked: sum.asked + one.asked,
        mostWaiting: Math.max(sum.mostWaiting, one.mostWaiting),
        refused: sum.refused + one.refused,
        timedOut: sum.timedOut + one.timedOut,
      }),
      NONE,
    );
  }

  /** The most statements that waited at a time, for any tables. */
  get mostWaiting(): number {
    return this.#mostWaiting;
  }

  reset(): void {
    this.#counts.clear();
    this.#mostWaiting = 0;
  }

  /** Waits for the lock, and gives what gives it back. */
  async acquire(table: string, timeoutMs: number, signal: AbortSignal): Promise<() => void> {
    const queue = this.#of(table);
    this.#count(table, ({ asked }) => ({ asked: asked + 1 }));
    if (queue.taken > 0 && queue.waiting >= this.#most()) {
      this.#count(table, ({ refused }) => ({ refused: refused + 1 }));
      throw refusals.tooManyWaiters(table, this.#most());
    }
    const waiting = queue.taken > 0 ? queue.waiting + 1 : 0;
    this.#count(table, ({ mostWaiting }) => ({ mostWaiting: Math.max(mostWaiting, waiting) }));
    if (waiting > 0) this.#mostWaiting = Math.max(this.#mostWaiting, this.waiting() + 1);
    const timeout = new AbortController();
    const timer = new AbortController();
    pause(timeoutMs, timer.signal).then(
      () => {
        this.#count(table, ({ timedOut }) => ({ timedOut: timedOut + 1 }));
        timeout.abort(refusals.lockTimeout(table));
      },
      () => {}, // the lock came first
    );
    try {
      return await queue.acquire(AbortSignal.any([signal, timeout.signal]));
    } finally {
      timer.abort();
    }
  }

  /** Takes the lock of `table` from outside, as some other program's statement would. */
  hold(table: string): Promise<() => void> {
    return this.#of(table).acquire(new AbortController().signal);
  }

  #count(table: string, change: (before: LockCounts) => Partial<LockCounts>): void {
    const before = this.counts(table);
    this.#counts.set(table, { ...before, ...change(before) });
  }

  #of(table: string): Queue {
    let queue = this.#tables.get(table);
    if (queue === undefined) this.#tables.set(table, (queue = new Queue(1)));
    return queue;
  }
}

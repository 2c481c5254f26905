/**
 * Table locks, as standard tables have them: UPDATE, DELETE and MERGE hold the table for themselves, in the order of
 * asking; INSERT and SELECT pass. The number of waiters is limited: one more is refused at once.
 */
import { pause } from './pause.js';
import { Queue } from './fifo-queue.js';
import { refusals } from './wire-replies.js';

export interface LockOptions {
  /** How many statements may wait for one table; the next is refused with 000625. */
  readonly waiters: number;
}

export class Locks {
  readonly #tables = new Map<string, Queue>();
  #options: LockOptions;

  constructor(options: LockOptions) {
    this.#options = options;
  }

  configure(options: Partial<LockOptions>): void {
    this.#options = { ...this.#options, ...options };
  }

  /** How many statements wait for `table`, or for any. */
  waiting(table?: string): number {
    const queues = table === undefined ? [...this.#tables.values()] : [this.#of(table)];
    return queues.reduce((sum, queue) => sum + queue.waiting, 0);
  }

  /** Waits for the lock, and gives what gives it back. */
  async acquire(table: string, timeoutMs: number, signal: AbortSignal): Promise<() => void> {
    const queue = this.#of(table);
    if (queue.taken > 0 && queue.waiting >= this.#options.waiters) {
      throw refusals.tooManyWaiters(table, this.#options.waiters);
    }
    const timeout = new AbortController();
    const both = AbortSignal.any([signal, timeout.signal]);
    const timer = new AbortController();
    pause(timeoutMs, timer.signal).then(
      () => timeout.abort(refusals.lockTimeout(table)),
      () => {}, // the lock came first
    );
    try {
      return await queue.acquire(both);
    } finally {
      timer.abort();
    }
  }

  /** Takes the lock of `table` from outside, as some other program's statement would. */
  hold(table: string): Promise<() => void> {
    return this.#of(table).acquire(new AbortController().signal);
  }

  #of(table: string): Queue {
    let queue = this.#tables.get(table);
    if (queue === undefined) this.#tables.set(table, (queue = new Queue(1)));
    return queue;
  }
}

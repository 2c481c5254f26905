/**
 * Table locks, as standard tables have them: UPDATE, DELETE and MERGE hold the table for themselves, in the order of
 * asking; INSERT and SELECT pass. The number of waiters is limited: one more is refused at once.
 *
 * INSERTs may have a lock of their own (`inserts`), because Snowflake does not say how many of them a table takes at a
 * time. They wait for each other then, and neither for an UPDATE nor an UPDATE for them.
 */
import { LockQueues } from './lock-queues.js';

export interface LockOptions {
  /** How many statements may wait for one table; the next is refused with 000625. */
  readonly waiters: number;
  /** How long an INSERT holds the insert lock of its table, in ms here. 0: it takes none. */
  readonly insertMs: number;
  /** How many INSERTs may wait for one table; the next is refused with 000625. */
  readonly insertWaiters: number;
}

const LOCKS: LockOptions = { waiters: 20, insertMs: 0, insertWaiters: 20 };

export class Locks extends LockQueues {
  /** The lock that INSERTs hold while `insertMs` is above 0. */
  readonly inserts: LockQueues;
  #options: LockOptions;

  constructor(options: Partial<LockOptions> = {}) {
    super(() => this.#options.waiters);
    this.inserts = new LockQueues(() => this.#options.insertWaiters);
    this.#options = { ...LOCKS, ...options };
  }

  get insertMs(): number {
    return this.#options.insertMs;
  }

  configure(options: Partial<LockOptions>): void {
    this.#options = { ...this.#options, ...options };
  }

  override reset(): void {
    super.reset();
    this.inserts.reset();
  }
}

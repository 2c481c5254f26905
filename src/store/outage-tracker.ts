/**
 * Emits `store:error` when an outage begins and `store:recovered` when it is over. Nothing else emits them.
 *
 * Invariants:
 * - Only operations that repeat by themselves are tracked: the exchange, the heartbeat, the journal. What an application
 *   called rejects to the application, and that is enough.
 * - An outage begins with the first failure while no operation fails: one `store:error`. It is over once each operation that
 *   failed has succeeded again: one `store:recovered`.
 * - A tracker follows one resource. The store and the journal have one each: an outage of either hides none of the other.
 * - `STORE_REFUSED` and `STORE_CLOSED` are no outage: the store has answered, or this process has closed it.
 */
import { asError, StoreError } from '../errors.js';
import type { Events } from '../events.js';
import type { Log } from '../log.js';
import type { Runtime } from '../runtime/runtime.js';

/** An operation that fails, and has not succeeded since. */
export interface FailingOperation {
  readonly operation: string;
  /** What it failed with last. */
  readonly error: Error;
  /** Since its first failure. */
  readonly forMs: number;
}

interface Failure {
  readonly error: Error;
  readonly since: number;
}

export class OutageTracker {
  readonly #runtime: Runtime;
  readonly #events: Events;
  readonly #log: Log;
  /** By operation; the one that has failed for longest comes first. */
  readonly #failing = new Map<string, Failure>();
  #downSince = 0;

  constructor(runtime: Runtime, events: Events, log: Log) {
    this.#runtime = runtime;
    this.#events = events;
    this.#log = log;
  }

  /** The operation that has failed for longest, if any fails now. */
  get current(): FailingOperation | undefined {
    for (const [operation, { error, since }] of this.#failing)
      return { operation, error, forMs: this.#runtime.monotonicMs() - since };
    return undefined;
  }

  failed(operation: string, thrown: unknown): void {
    const error = asError(thrown);
    if (error instanceof StoreError && (error.code === 'STORE_REFUSED' || error.code === 'STORE_CLOSED')) return;
    const now = this.#runtime.monotonicMs();
    if (this.#failing.size === 0) {
      this.#downSince = now;
      this.#log.error({ operation, error: error.message }, 'operation failed; repeating it until it succeeds');
      this.#events.emit('store:error', { operation, error });
    }
    this.#failing.set(operation, { error, since: this.#failing.get(operation)?.since ?? now });
  }

  succeeded(operation: string): void {
    if (!this.#failing.delete(operation) || this.#failing.size > 0) return;
    const downMs = this.#runtime.monotonicMs() - this.#downSince;
    this.#log.info({ operation, downMs }, 'all operations succeed again');
    this.#events.emit('store:recovered', { operation, downMs });
  }
}

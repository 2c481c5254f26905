/**
 * Emits `store:error` when an outage begins and `store:recovered` when it is over. Nothing else emits them.
 *
 * Invariants:
 * - Only operations that repeat by themselves are tracked: the exchange, the heartbeat, the journal. What an application
 *   called rejects to the application, and that is enough.
 * - An outage begins with the first failure while no operation fails: one `store:error`. It is over once each operation that
 *   failed has succeeded again: one `store:recovered`.
 * - A tracker follows one resource. The store and the journal have one each: an outage of either hides none of the other.
 *   An outage is logged once when it begins, in the words and at the level of its resource, and once when it is over.
 * - `STORE_REFUSED` and `STORE_CLOSED` are no outage: the store has answered, or this process has closed it.
 */
import { asError } from '../errors.js';
import { EVENT_LINES, logEvent, type EventLine, type Events } from '../events.js';
import { loggedError, loggedErrorWithStack, type Log, type LogFields } from '../log.js';
import type { Runtime } from '../runtime/runtime.js';
import { isStoreError } from './contract.js';

/** An operation that fails, and has not succeeded since. */
export interface FailingOperation {
  readonly operation: string;
  /** Its last error. */
  readonly error: Error;
  /** Since its first failure. */
  readonly forMs: number;
}

/** The log lines of a resource: that its outage begins, and that it is over. */
export interface OutageLines {
  readonly begins: EventLine;
  readonly isOver: EventLine;
}

const STORE_LINES: OutageLines = { begins: EVENT_LINES.storeError, isOver: EVENT_LINES.storeRecovered };

interface Failure {
  readonly error: Error;
  readonly since: number;
}

/** Whether this failure begins or prolongs an outage. */
export function isOutage(thrown: unknown): boolean {
  return !(isStoreError(thrown) && (thrown.code === 'STORE_REFUSED' || thrown.code === 'STORE_CLOSED'));
}

export class OutageTracker {
  readonly #runtime: Runtime;
  readonly #events: Events;
  readonly #log: Log;
  readonly #lines: OutageLines;
  /** By operation; the one that has failed for longest comes first. */
  readonly #failing = new Map<string, Failure>();
  #downSince = 0;

  /** @param lines default: those of the store */
  constructor(runtime: Runtime, events: Events, log: Log, lines = STORE_LINES) {
    this.#runtime = runtime;
    this.#events = events;
    this.#log = log;
    this.#lines = lines;
  }

  /** The operation that has failed for longest, if any fails now. */
  get current(): FailingOperation | undefined {
    for (const [operation, { error, since }] of this.#failing)
      return { operation, error, forMs: this.#runtime.monotonicMs() - since };
    return undefined;
  }

  /** @param fields for the log line that says that the outage begins */
  failed(operation: string, thrown: unknown, fields: LogFields = {}): void {
    if (!isOutage(thrown)) return;
    const error = asError(thrown);
    const now = this.#runtime.monotonicMs();
    if (this.#failing.size === 0) {
      this.#downSince = now;
      const { begins } = this.#lines;
      const shown = begins.level === 'error' ? loggedErrorWithStack(error) : loggedError(error);
      logEvent(this.#log, begins, { operation, ...fields, error: shown });
      this.#events.emit('store:error', { operation, error });
    }
    this.#failing.set(operation, { error, since: this.#failing.get(operation)?.since ?? now });
  }

  succeeded(operation: string): void {
    if (!this.#failing.delete(operation) || this.#failing.size > 0) return;
    const downMs = this.#runtime.monotonicMs() - this.#downSince;
    logEvent(this.#log, this.#lines.isOver, { operation, downMs });
    this.#events.emit('store:recovered', { operation, downMs });
  }
}

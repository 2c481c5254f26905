/**
 * The open calls of the store: what each may throw, how long a busy statement is retried, and how all of them end.
 *
 * Invariants:
 * - What leaves the store is a `StoreError`.
 * - A statement that was turned away because others hold the table (too many waiters, a lock time-out, a deadlock) was not run.
 *   It is sent again, and is no error for the caller.
 * - After `close` no call begins, and open calls run to their end. A statement that is turned away then is not sent again.
 */
import { sleep, type Runtime } from '../../../runtime/runtime.js';
import { retryWhileBusy } from '../../busy-retry.js';
import { OpenCalls, storeClosed } from '../../open-calls.js';
import { isBusy } from './driver-error.js';
import { storeError } from './error-mapping.js';
import { LockBackoff } from './lock-backoff.js';
import type { Secrets } from './secrets.js';
import type { Row, SessionHandle, StatementRunner } from './session-interface.js';

/** How long a statement is sent again before its call fails with `STORE_BUSY`. */
const BUSY_LIMIT_MS = 120_000;

export class StoreCalls {
  readonly #runtime: Runtime;
  readonly #secrets: Secrets;
  readonly #open: OpenCalls;
  readonly #lockBackoff = new LockBackoff();
  readonly #closing = new AbortController();

  constructor(runtime: Runtime, secrets: Secrets) {
    this.#runtime = runtime;
    this.#secrets = secrets;
    this.#open = new OpenCalls((error) => storeError(error, secrets));
  }

  /** Runs a call to its end. @throws StoreError, ValidationError */
  run<T>(work: () => Promise<T>): Promise<T> {
    return this.#open.run(work);
  }

  /** The session, with busy statements sent again. */
  retryingBusy(session: SessionHandle): SessionHandle {
    return {
      run: (...statement) => this.untilNotBusy(() => this.#measured(session, statement)),
      get logins() {
        return session.logins;
      },
    };
  }

  /** Waits for the given time. Ends early if the calls are closed. @throws StoreError `STORE_CLOSED` */
  async pause(ms: number): Promise<void> {
    const { signal } = this.#closing;
    await sleep(this.#runtime, ms, signal);
    if (signal.aborted) throw storeClosed();
  }

  async #measured(session: StatementRunner, statement: Parameters<StatementRunner['run']>): Promise<Row[]> {
    if (!/^\s*UPDATE\b/.test(statement[0])) return session.run(...statement);
    const startedAt = this.#runtime.monotonicMs();
    const rows = await session.run(...statement);
    this.#lockBackoff.updated(this.#runtime.monotonicMs() - startedAt);
    return rows;
  }

  /** Runs a statement again as long as it is turned away because others hold the table. */
  untilNotBusy<T>(statement: () => Promise<T>): Promise<T> {
    return retryWhileBusy(this.#runtime, statement, {
      isBusy,
      waitLimitMs: BUSY_LIMIT_MS,
      giveUp: (error) => storeError(error, this.#secrets),
      signal: this.#closing.signal,
      pause: this.#lockBackoff.pause,
    });
  }

  /** Resolves when no call is open. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#open.close();
  }
}

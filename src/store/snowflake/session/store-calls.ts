/**
 * Keeps the calls that the store has been asked and has not answered yet.
 *
 * Invariants:
 * - What leaves the store is an error of ours.
 * - Back-pressure (too many wait for a lock, a lock time-out, a deadlock) is no error: the statement is sent again.
 * - Once they are closed nothing new begins, and what is under way comes to its end. A statement that was turned away is
 *   not sent again then.
 */
import { sleep, type Runtime } from '../../../runtime/runtime.js';
import { retryWhileBusy } from '../../busy-retry.js';
import { storeClosed, OpenCalls } from '../../open-calls.js';
import { LockBackoff } from './lock-backoff.js';
import { isBusy } from './driver-error.js';
import { storeError } from './error-mapping.js';
import type { Secrets } from './secrets.js';
import type { Row, StatementRunner, SessionHandle } from './session.js';

/** How long a statement is sent again under back-pressure, before the call fails with STORE_BUSY. */
const PATIENCE_MS = 120_000;

export class StoreCalls {
  readonly #runtime: Runtime;
  readonly #secrets: Secrets;
  readonly #underWay: OpenCalls;
  readonly #lockBackoff = new LockBackoff();
  readonly #impatience = new AbortController();

  constructor(runtime: Runtime, secrets: Secrets) {
    this.#runtime = runtime;
    this.#secrets = secrets;
    this.#underWay = new OpenCalls((error) => storeError(error, secrets));
  }

  /** Runs a call to its end, and makes its errors ours. */
  run<T>(work: () => Promise<T>): Promise<T> {
    return this.#underWay.run(work);
  }

  /** A session whose statements are sent again while too many others wait for a lock: so far they have not been run. */
  patient(session: SessionHandle): SessionHandle {
    return {
      run: (...statement) => this.#patiently(() => this.#measured(session, statement)),
      get logins() {
        return session.logins;
      },
    };
  }

  /** Waits, so that what is looked for can be seen; not once the calls are closed. @throws StoreError `STORE_CLOSED` */
  async pause(ms: number): Promise<void> {
    const { signal } = this.#impatience;
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

  #patiently<T>(statement: () => Promise<T>): Promise<T> {
    return retryWhileBusy(this.#runtime, statement, {
      isBusy,
      waitLimitMs: PATIENCE_MS,
      giveUp: (error) => storeError(error, this.#secrets),
      signal: this.#impatience.signal,
      pause: this.#lockBackoff.pause,
    });
  }

  /** Resolves when nothing is under way any more. */
  async close(): Promise<void> {
    this.#impatience.abort();
    await this.#underWay.close();
  }
}

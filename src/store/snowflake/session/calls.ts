/**
 * Calls: what the store has been asked and has not answered yet.
 *
 * Law: what leaves the store is an error of ours. Back-pressure (too many wait for a lock, a lock time-out, a deadlock) is
 * none: the statement is sent again after a pause of random length. Once they are closed nothing new begins, and what
 * is under way comes to its end; a call that waits for a lock does so no longer.
 */
import type { Runtime } from '../../../runtime/runtime.js';
import { retrying } from '../../retrying.js';
import { UnderWay } from '../../under-way.js';
import { isBusy } from './driver-error.js';
import { storeError } from './faults.js';
import type { Secrets } from './secrets.js';
import type { Runner } from './session.js';

/** How long back-pressure is borne before the caller is told that the store is busy. */
const PATIENCE_MS = 120_000;
const PAUSES = { flatMs: 100, flatForMs: 5_000, longestMs: 5_000 };

export class Calls {
  readonly #runtime: Runtime;
  readonly #secrets: Secrets;
  readonly #underWay: UnderWay;
  readonly #impatience = new AbortController();

  constructor(runtime: Runtime, secrets: Secrets) {
    this.#runtime = runtime;
    this.#secrets = secrets;
    this.#underWay = new UnderWay((error) => storeError(error, secrets));
  }

  /** Runs a call to its end, and makes its errors ours. */
  run<T>(work: () => Promise<T>): Promise<T> {
    return this.#underWay.run(work);
  }

  /** A session whose statements are sent again while too many others wait for a lock: so far they have not been run. */
  patient(session: Runner): Runner {
    return { run: (...statement) => this.#patiently(() => session.run(...statement)) };
  }

  #patiently<T>(statement: () => Promise<T>): Promise<T> {
    return retrying(this.#runtime, statement, {
      isBusy,
      patienceMs: PATIENCE_MS,
      giveUp: (error) => storeError(error, this.#secrets),
      signal: this.#impatience.signal,
      pauses: PAUSES,
    });
  }

  /** Resolves when nothing is under way any more. */
  async close(): Promise<void> {
    this.#impatience.abort();
    await this.#underWay.close();
  }
}

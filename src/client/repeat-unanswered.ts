/**
 * The answer to a lost reply: to ask again.
 *
 * Law: what is asked again is the same call under the same ids and tokens, chosen before the first try, so a store that
 * has done it already does nothing and says so. A store that was busy has been patient already, and one that refuses will
 * refuse again: neither is asked twice.
 */
import { StoreError } from '../errors.js';
import { flatJitterMs } from '../runtime/backoff.js';
import { sleep, type Runtime } from '../runtime/runtime.js';

/** How often an unanswered call is repeated, and how far apart at most. */
const REPEATS = 4;
const REPEAT_WITHIN_MS = 200;

/** @param ended no longer, once this aborts */
export async function repeatUnanswered<T>(runtime: Runtime, ended: AbortSignal, call: () => Promise<T>): Promise<T> {
  for (let repeats = 0; ; repeats++) {
    try {
      return await call();
    } catch (error) {
      if (!isLostReply(error) || repeats >= REPEATS) throw error;
      await sleep(runtime, flatJitterMs(0, REPEAT_WITHIN_MS, runtime.random()), ended);
      if (ended.aborted) throw error;
    }
  }
}

/** Whether the outcome is unknown and asking again may tell. */
function isLostReply(error: unknown): boolean {
  return error instanceof StoreError && error.transient && error.code !== 'STORE_BUSY';
}

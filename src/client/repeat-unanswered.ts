/**
 * Repeats a call to the store whose reply did not come.
 *
 * Invariants:
 * - The repeat is the same call, with the same ids and tokens. If the store has applied it already, it changes nothing and
 *   replies as it did the first time.
 * - `STORE_BUSY` is not repeated: the store has already waited. Nor is an error that is not transient.
 */
import { flatJitterMs } from '../runtime/backoff.js';
import { sleep, type Runtime } from '../runtime/runtime.js';
import { isStoreError } from '../store/contract.js';

const MAX_REPEATS = 4;
/** The longest pause before a repeat, in ms. */
const MAX_PAUSE_MS = 200;

/** @param closing once it aborts, nothing is repeated */
export async function repeatUnanswered<T>(runtime: Runtime, closing: AbortSignal, call: () => Promise<T>): Promise<T> {
  for (let repeats = 0; ; repeats++) {
    try {
      return await call();
    } catch (error) {
      if (!isUnanswered(error) || repeats >= MAX_REPEATS) throw error;
      await sleep(runtime, flatJitterMs(0, MAX_PAUSE_MS, runtime.random()), closing);
      if (closing.aborted) throw error;
    }
  }
}

/** Whether the call may have been applied or not, so that a repeat may find out. */
function isUnanswered(error: unknown): boolean {
  return isStoreError(error) && error.transient && error.code !== 'STORE_BUSY';
}

/**
 * Retries an operation that the database rejects because it is busy: a locked SQLite file, a full lock queue in Snowflake.
 *
 * Every other failure is handled by the caller: the loops repeat exchange and heartbeat, a connection replaces a session
 * that was dropped, and the client repeats an unanswered submission under the same ids.
 *
 * Invariants:
 * - Between two tries the event loop is free.
 * - An error that does not mean "busy" is not retried.
 * - No pause exceeds the wait limit: the last try is made when it is reached.
 */
import { exponentialMs, flatJitterMs } from '../runtime/backoff.js';
import type { Runtime } from '../runtime/runtime.js';
import { sleep } from '../runtime/runtime.js';

export interface BusyRetryOptions {
  readonly isBusy: (error: unknown) => boolean;
  /** How long to retry, in ms. */
  readonly waitLimitMs: number;
  /** Makes the error to throw when the limit is reached, from the last error. */
  readonly giveUp: (error: unknown, waitedMs: number) => Error;
  /** Gives up at once when it aborts: the store is closing. */
  readonly signal?: AbortSignal;
  /** Default: pauses that suit a database in this process. */
  readonly pause?: Pause;
}

/** What happened to an operation so far. */
export interface Refusals {
  /** How often it was tried, 1 or more. */
  readonly tries: number;
  /** Since the first try. */
  readonly waitedMs: number;
}

/** How long to wait before the next try, in ms. @param random from 0 to below 1 */
export type Pause = (refusals: Refusals, random: number) => number;

const FLAT_FOR_MS = 1_000;
const MAX_PAUSE_MS = 250;

/**
 * Flat jitter for a second, then exponential backoff. Exponential backoff from the start starves writers: on SQLite the
 * longest wait was 1,024 ms, against 72 ms with pauses of 1 to 3 ms.
 */
const shortPause: Pause = ({ waitedMs }, random) => {
  const flat = flatJitterMs(1, 3, random);
  return waitedMs < FLAT_FOR_MS ? flat : exponentialMs(flat, MAX_PAUSE_MS, waitedMs / FLAT_FOR_MS);
};

/** Runs the operation until it succeeds, fails with another error, or reaches the wait limit. */
export async function retryWhileBusy<T>(
  runtime: Runtime,
  operation: () => T | Promise<T>,
  options: BusyRetryOptions,
): Promise<T> {
  const { pause = shortPause, waitLimitMs } = options;
  const startedAt = runtime.monotonicMs();
  for (let tries = 1; ; tries++) {
    try {
      return await operation();
    } catch (error) {
      if (!options.isBusy(error)) throw error;
      const waitedMs = runtime.monotonicMs() - startedAt;
      if (waitedMs >= waitLimitMs || options.signal?.aborted === true) throw options.giveUp(error, waitedMs);
      const pauseMs = Math.min(pause({ tries, waitedMs }, runtime.random()), waitLimitMs - waitedMs);
      await sleep(runtime, pauseMs, options.signal);
    }
  }
}

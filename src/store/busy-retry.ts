/**
 * Retries one operation that the database rejects for the moment: a locked SQLite file, a full lock queue in Snowflake.
 * Everything else that is repeated is repeated by its caller: the exchange and the heartbeat by their loops, a session that
 * was dropped by its connection, an unanswered submission by the client, under the same ids.
 *
 * Invariants:
 * - Between tries the event loop is free.
 * - What is not transient is not retried.
 * - Patience is never exceeded by a pause: the last try comes when it ends.
 */
import { exponentialMs, flatJitterMs } from '../runtime/backoff.js';
import type { Runtime } from '../runtime/runtime.js';
import { sleep } from '../runtime/runtime.js';

export interface BusyRetryOptions {
  /** Whether this error means "not now". */
  readonly isBusy: (error: unknown) => boolean;
  /** Gives up after so many ms, with what this makes of the last error. */
  readonly patienceMs: number;
  readonly giveUp: (error: unknown, waitedMs: number) => Error;
  /** Ends the waiting early (the store is closing): gives up at once. */
  readonly signal?: AbortSignal;
  /** Default: for a database in this process. */
  readonly pause?: Pause;
}

/** What is known of an operation that was turned away. */
export interface Refusals {
  /** How often, 1 or more. */
  readonly tries: number;
  /** Since the first try. */
  readonly waitedMs: number;
}

/** How long to wait before the next try, in ms. @param random from 0 to below 1 */
export type Pause = (refusals: Refusals, random: number) => number;

const FLAT_FOR_MS = 1_000;
const LONGEST_MS = 250;

/**
 * Flat jitter first, because exponential back-off starves writers: on SQLite the longest wait was 1,024 ms, against 72 ms
 * with 1 to 3 ms. Exponential only after a second.
 */
const shortPause: Pause = ({ waitedMs }, random) => {
  const flat = flatJitterMs(1, 3, random);
  return waitedMs < FLAT_FOR_MS ? flat : exponentialMs(flat, LONGEST_MS, waitedMs / FLAT_FOR_MS);
};

/** Runs `operation` until it goes through, fails otherwise, or patience ends. */
export async function retryWhileBusy<T>(
  runtime: Runtime,
  operation: () => T | Promise<T>,
  options: BusyRetryOptions,
): Promise<T> {
  const { pause = shortPause, patienceMs } = options;
  const startedAt = runtime.monotonicMs();
  for (let tries = 1; ; tries++) {
    try {
      return await operation();
    } catch (error) {
      if (!options.isBusy(error)) throw error;
      const waitedMs = runtime.monotonicMs() - startedAt;
      if (waitedMs >= patienceMs || options.signal?.aborted === true) throw options.giveUp(error, waitedMs);
      const pauseMs = Math.min(pause({ tries, waitedMs }, runtime.random()), patienceMs - waitedMs);
      await sleep(runtime, pauseMs, options.signal);
    }
  }
}

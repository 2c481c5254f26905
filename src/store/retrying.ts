/**
 * The only database retry: an operation that the database turned away for the moment is tried again.
 *
 * Law: flat jitter first (exponential back-off starves writers: on SQLite longest wait 1,024 ms against 72 with flat
 * jitter of 1–3 ms), exponential only later. Between tries the event loop is free. What is not transient is not retried.
 */
import type { Runtime } from '../runtime/runtime.js';
import { sleep } from '../runtime/runtime.js';

export interface RetryingOptions {
  /** Whether this error means "not now". */
  readonly isBusy: (error: unknown) => boolean;
  /** Gives up after so many ms, with what this makes of the last error. */
  readonly patienceMs: number;
  readonly giveUp: (error: unknown, waitedMs: number) => Error;
  /** Ends the waiting early (the store is closing): gives up at once. */
  readonly signal?: AbortSignal;
  /** Default: for a database in this process. */
  readonly pauses?: Pauses;
}

/** How long to wait between tries, in ms. */
export interface Pauses {
  /** At first one to three times so long, at random. */
  readonly flatMs: number;
  /** After so long a pause doubles, again and again. */
  readonly flatForMs: number;
  readonly longestMs: number;
}

const PAUSES: Pauses = { flatMs: 1, flatForMs: 1_000, longestMs: 250 };

/** Runs `operation` until it goes through, fails otherwise, or patience ends. */
export async function retrying<T>(
  runtime: Runtime,
  operation: () => T | Promise<T>,
  options: RetryingOptions,
): Promise<T> {
  const startedAt = runtime.monotonicMs();
  for (let tries = 0; ; tries++) {
    try {
      return await operation();
    } catch (error) {
      if (!options.isBusy(error)) throw error;
      const waitedMs = runtime.monotonicMs() - startedAt;
      if (waitedMs >= options.patienceMs || options.signal?.aborted === true) throw options.giveUp(error, waitedMs);
      await sleep(runtime, pauseMs(options.pauses ?? PAUSES, waitedMs, runtime.random()), options.signal);
    }
  }
}

function pauseMs({ flatMs, flatForMs, longestMs }: Pauses, waitedMs: number, random: number): number {
  const flat = flatMs * (1 + 2 * random);
  return waitedMs < flatForMs ? flat : Math.min(longestMs, flat * 2 ** (waitedMs / flatForMs));
}

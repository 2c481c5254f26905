/** Waiting for a call only so long: an unreachable store must hang neither a loop nor `stop`. */
import { asError, StoppedError, StoreError } from '../errors.js';
import { onAbort } from './abort.js';
import type { Runtime } from './runtime.js';

export interface TimeoutOptions {
  /** Gives the call up after so many ms. Default: never. */
  readonly timeoutMs?: number;
  /** Who did not answer, for the error. Default: the store. */
  readonly what?: string;
  /** Gives the call up as soon as this aborts. */
  readonly signal?: AbortSignal;
}

/**
 * What `call` comes to. Given up, it may still happen: the caller treats its outcome as unknown, and what it comes to
 * later is ignored.
 *
 * @throws StoreError `STORE_UNAVAILABLE` when the time is over; StoppedError when the signal aborts
 */
export function withTimeout<T>(
  runtime: Runtime,
  call: () => Promise<T>,
  { timeoutMs, signal, what = 'the store' }: TimeoutOptions,
): Promise<T> {
  if (signal?.aborted === true) return Promise.reject(new StoppedError('the call'));
  return new Promise<T>((resolve, reject) => {
    const giveUp = (error: Error): void => {
      end();
      reject(error);
    };
    const stopped = (): void => giveUp(new StoppedError('the call'));
    const timer =
      timeoutMs === undefined
        ? undefined
        : runtime.after(timeoutMs, () =>
            giveUp(new StoreError('STORE_UNAVAILABLE', `${what} did not answer within ${timeoutMs} ms`, true)),
          );
    const end = (): void => {
      timer?.cancel();
      unhear?.();
    };
    const unhear = signal && onAbort(signal, stopped);
    started(call).then(
      (value) => {
        end();
        resolve(value);
      },
      (error: unknown) => giveUp(asError(error)),
    );
  });
}

/** A call that throws before it returns a promise rejects, like any other. */
async function started<T>(call: () => Promise<T>): Promise<T> {
  return call();
}

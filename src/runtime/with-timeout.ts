/** Gives up a call after a time-out or an abort, so that a store that does not answer hangs neither a loop nor `stop`. */
import { asError, StoppedError, StoreError } from '../errors.js';
import { onAbort } from './abort.js';
import type { Runtime } from './runtime.js';

export interface TimeoutOptions {
  /** Gives the call up after this time. Default: never. */
  readonly timeoutMs?: number;
  /** What did not answer, for the error message. Default: the store. */
  readonly what?: string;
  /** Gives the call up as soon as this aborts. */
  readonly signal?: AbortSignal;
}

/**
 * Settles as `call` does. A call that was given up may still take effect: its outcome is unknown to the caller, and a late
 * answer is ignored.
 *
 * @throws StoreError `STORE_UNAVAILABLE` after the time-out; StoppedError when the signal aborts
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
      stopListening?.();
    };
    const stopListening = signal && onAbort(signal, stopped);
    started(call).then(
      (value) => {
        end();
        resolve(value);
      },
      (error: unknown) => giveUp(asError(error)),
    );
  });
}

/** Turns a throw before the promise is returned into a rejection. */
async function started<T>(call: () => Promise<T>): Promise<T> {
  return call();
}

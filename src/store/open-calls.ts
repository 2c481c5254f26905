/**
 * The calls of a store that have started and not settled.
 *
 * Invariants:
 * - A call rejects with a `StoreError`, or with a `ValidationError` that names the field.
 * - After `close` no call starts. Calls that have started are waited for.
 */
import { StoreError, ValidationError } from '../errors.js';

export class OpenCalls {
  readonly #toStoreError: (error: unknown) => StoreError;
  readonly #calls = new Set<Promise<unknown>>();
  #closed = false;

  /** @param toStoreError converts an error that a call throws */
  constructor(toStoreError: (error: unknown) => StoreError) {
    this.#toStoreError = toStoreError;
  }

  /** Runs a call. @throws StoreError `STORE_CLOSED`, and the errors of the call */
  run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(storeClosed());
    const call = this.#run(work);
    this.#calls.add(call);
    const done = (): void => void this.#calls.delete(call);
    call.then(done, done);
    return call;
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw error instanceof ValidationError ? error : this.#toStoreError(error);
    }
  }

  /** Resolves when every call has settled. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#calls);
  }
}

export function storeClosed(): StoreError {
  return new StoreError('STORE_CLOSED', 'the store has been closed', false);
}

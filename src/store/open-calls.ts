/**
 * Under way: what a store has been asked and has not answered yet.
 *
 * Law: what leaves the store is an error of ours. Once it is closed nothing new begins, and what has begun is waited for.
 */
import { StoreError, ValidationError } from '../errors.js';

export class OpenCalls {
  readonly #ours: (error: unknown) => StoreError;
  readonly #calls = new Set<Promise<unknown>>();
  #closed = false;

  /** @param ours makes an error of ours of whatever a call throws */
  constructor(ours: (error: unknown) => StoreError) {
    this.#ours = ours;
  }

  /** Runs a call to its end. @throws StoreError `STORE_CLOSED`, and what the call throws */
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
      throw error instanceof ValidationError ? error : this.#ours(error);
    }
  }

  /** Resolves when nothing is under way any more. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#calls);
  }
}

export function storeClosed(): StoreError {
  return new StoreError('STORE_CLOSED', 'the store has been closed', false);
}

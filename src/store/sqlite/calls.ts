/**
 * Calls: what the store has been asked and has not answered yet.
 *
 * Law: what goes through at once is done before the call returns to its caller. What is BUSY is tried again without
 * holding up the event loop. Once they are closed nothing new begins, and what is under way comes to its end; calls that
 * wait for the file do so for a second more.
 */
import { ValidationError } from '../../errors.js';
import type { Runtime } from '../../runtime/runtime.js';
import { retrying } from '../retrying.js';
import { isBusy, storeClosed, storeError } from './faults.js';

const CLOSE_GRACE_MS = 1_000;

export interface CallsParts {
  readonly runtime: Runtime;
  /** Named in errors. */
  readonly path: string;
  /** How long a call keeps trying while others hold the file. */
  readonly busyTimeoutMs: number;
}

export class Calls {
  readonly #parts: CallsParts;
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #impatience = new AbortController();
  #closed = false;

  constructor(parts: CallsParts) {
    this.#parts = parts;
  }

  /** Runs a call to its end, and makes its errors ours. */
  run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(storeClosed());
    const call = this.#run(work);
    this.#underWay.add(call);
    const done = (): void => void this.#underWay.delete(call);
    call.then(done, done);
    return call;
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw error instanceof ValidationError ? error : storeError(error, this.#parts.path);
    }
  }

  /** Runs an operation now, and again while the file is BUSY. */
  readonly attempt = <T>(operation: () => T): Promise<T> => {
    const { runtime, path, busyTimeoutMs } = this.#parts;
    return retrying(runtime, operation, {
      isBusy,
      patienceMs: busyTimeoutMs,
      giveUp: (error) => storeError(error, path),
      signal: this.#impatience.signal,
    });
  };

  /** Does all of it in batches, each an operation of its own, between which others have their turn. */
  async inBatches<T, R>(
    all: readonly T[],
    size: number,
    operation: (batch: readonly T[]) => readonly R[],
  ): Promise<R[]> {
    const answers: R[] = [];
    for (let from = 0; from < all.length; from += size) {
      if (from > 0) await this.#parts.runtime.yield();
      answers.push(...(await this.attempt(() => operation(all.slice(from, from + size)))));
    }
    return answers;
  }

  /** Resolves when nothing is under way any more. */
  async close(): Promise<void> {
    this.#closed = true;
    const patience = this.#parts.runtime.after(CLOSE_GRACE_MS, () => this.#impatience.abort());
    await Promise.allSettled(this.#underWay);
    patience.cancel();
  }
}

/**
 * Runs each call of the store until it has finished.
 *
 * Invariants:
 * - If the file is free, an operation is done before its call returns to the caller.
 * - If the file is BUSY, the operation is tried again, and the event loop is free between two tries.
 * - After `close` no call begins. Calls in progress end; those that wait for the file give up after a second.
 */
import type { Runtime } from '../../../runtime/runtime.js';
import { retryWhileBusy } from '../../busy-retry.js';
import { OpenCalls } from '../../open-calls.js';
import { isBusy, storeError } from '../sqlite-errors.js';

/** How long calls that wait for the file continue to wait after `close`. */
const CLOSE_GRACE_MS = 1_000;

export interface CallRunnerDependencies {
  readonly runtime: Runtime;
  /** Named in errors. */
  readonly path: string;
  /** How long a call keeps trying while another connection locks the file. */
  readonly busyTimeoutMs: number;
}

export class CallRunner {
  readonly #deps: CallRunnerDependencies;
  readonly #openCalls: OpenCalls;
  readonly #giveUp = new AbortController();

  constructor(deps: CallRunnerDependencies) {
    this.#deps = deps;
    this.#openCalls = new OpenCalls((error) => storeError(error, deps.path));
  }

  /** Runs a call until it has finished. An error that it throws becomes a StoreError. */
  run<T>(work: () => Promise<T>): Promise<T> {
    return this.#openCalls.run(work);
  }

  /** Runs an operation, and again while the file is BUSY. */
  readonly attempt = <T>(operation: () => T): Promise<T> => {
    const { runtime, path, busyTimeoutMs } = this.#deps;
    return retryWhileBusy(runtime, operation, {
      isBusy,
      waitLimitMs: busyTimeoutMs,
      giveUp: (error) => storeError(error, path),
      signal: this.#giveUp.signal,
    });
  };

  /** Runs one operation for each batch. Other work of the event loop runs between two batches. */
  async inBatches<T, R>(
    all: readonly T[],
    size: number,
    operation: (batch: readonly T[]) => readonly R[],
  ): Promise<R[]> {
    const answers: R[] = [];
    for (let from = 0; from < all.length; from += size) {
      if (from > 0) await this.#deps.runtime.yield();
      answers.push(...(await this.attempt(() => operation(all.slice(from, from + size)))));
    }
    return answers;
  }

  /** Resolves when no call is in progress. */
  async close(): Promise<void> {
    const grace = this.#deps.runtime.after(CLOSE_GRACE_MS, () => this.#giveUp.abort());
    await this.#openCalls.close();
    grace.cancel();
  }
}

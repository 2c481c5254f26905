/**
 * Calls: what the store has been asked and has not answered yet.
 *
 * Law: what goes through at once is done before the call returns to its caller. What is BUSY is tried again without
 * holding up the event loop. Once they are closed nothing new begins, and what is under way comes to its end; calls that
 * wait for the file do so for a second more.
 */
import type { Runtime } from '../../../runtime/runtime.js';
import { retryWhileBusy } from '../../busy-retry.js';
import { OpenCalls } from '../../open-calls.js';
import { isBusy, storeError } from '../sqlite-errors.js';

const CLOSE_GRACE_MS = 1_000;

export interface CallRunnerParts {
  readonly runtime: Runtime;
  /** Named in errors. */
  readonly path: string;
  /** How long a call keeps trying while others hold the file. */
  readonly busyTimeoutMs: number;
}

export class CallRunner {
  readonly #parts: CallRunnerParts;
  readonly #openCalls: OpenCalls;
  readonly #impatience = new AbortController();

  constructor(parts: CallRunnerParts) {
    this.#parts = parts;
    this.#openCalls = new OpenCalls((error) => storeError(error, parts.path));
  }

  /** Runs a call to its end, and makes its errors ours. */
  run<T>(work: () => Promise<T>): Promise<T> {
    return this.#openCalls.run(work);
  }

  /** Runs an operation now, and again while the file is BUSY. */
  readonly attempt = <T>(operation: () => T): Promise<T> => {
    const { runtime, path, busyTimeoutMs } = this.#parts;
    return retryWhileBusy(runtime, operation, {
      isBusy,
      waitLimitMs: busyTimeoutMs,
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
    const patience = this.#parts.runtime.after(CLOSE_GRACE_MS, () => this.#impatience.abort());
    await this.#openCalls.close();
    patience.cancel();
  }
}

/**
 * Learns that another process cancelled a step that is held here.
 *
 * Invariants:
 * - A change of the store leads to one question about all that is held; where nothing is held, to none.
 * - Questions are at least {@link GAP_MS} apart and one is under way at a time, so that a busy store is not asked for each
 *   commit. A change that comes meanwhile leads to the next question.
 * - It only speeds things up. What it misses, the next heartbeat shows.
 */
import { asError } from '../../errors.js';
import type { Log } from '../../log.js';
import { Loop } from '../../runtime/loop.js';
import type { Runtime } from '../../runtime/runtime.js';
import { withTimeout } from '../../runtime/with-timeout.js';
import type { CancelledStep, StepStore } from '../../store/contract.js';

export interface CancellationWatchParts {
  readonly store: Pick<StepStore, 'cancelled'>;
  readonly runtime: Runtime;
  readonly log: Log;
  /** The steps that are held here. */
  readonly held: () => readonly string[];
  readonly onCancelled: (cancelled: CancelledStep) => void;
}

/** Between two questions, in ms: with the store's own delay a holder hears within 50 ms. */
const GAP_MS = 20;
/** How long an answer is waited for. */
const ANSWER_WITHIN_MS = 1_000;

export class CancellationWatch {
  readonly #parts: CancellationWatchParts;
  readonly #loop: Loop;
  readonly #ended = new AbortController();
  #changed = false;
  #notBefore = 0;

  constructor(parts: CancellationWatchParts) {
    this.#parts = parts;
    this.#loop = new Loop(parts.runtime, () => this.#tick(), { ref: false, onError: () => Infinity });
  }

  start(): Promise<void> {
    return this.#loop.start();
  }

  stop(): Promise<void> {
    this.#ended.abort();
    return this.#loop.stop();
  }

  /** Something in the store was changed by others. */
  look(): void {
    this.#changed = true;
    this.#loop.wake();
  }

  /** Of these steps, those that were cancelled. None where the store does not answer. */
  async among(stepIds: readonly string[]): Promise<readonly CancelledStep[]> {
    const { runtime, store, log } = this.#parts;
    if (stepIds.length === 0) return [];
    const bounds = { timeoutMs: ANSWER_WITHIN_MS, signal: this.#ended.signal };
    try {
      return await withTimeout(runtime, () => store.cancelled(stepIds), bounds);
    } catch (error) {
      log.debug({ error: asError(error).message }, 'could not ask which steps were cancelled');
      return [];
    }
  }

  async #tick(): Promise<number> {
    if (!this.#changed) return Infinity;
    const now = this.#parts.runtime.monotonicMs();
    if (now < this.#notBefore) return this.#notBefore - now;
    this.#changed = false;
    this.#notBefore = now + GAP_MS;
    for (const cancelled of await this.among(this.#parts.held())) this.#parts.onCancelled(cancelled);
    return Infinity; // a change that came meanwhile has woken the loop
  }
}

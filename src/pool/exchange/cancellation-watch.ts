/**
 * Learns that another process cancelled a step that is held here.
 *
 * Invariants:
 * - A change of the store leads to one query about all steps that are held; if none is held, to no query.
 * - Queries are at least {@link GAP_MS} apart, and one is in flight at a time, so that a busy store is not queried for each
 *   commit. A change that comes meanwhile leads to the next query.
 * - This only makes cancellation faster. If it misses a cancellation, the next heartbeat shows it.
 */
import { loggedError, type Log } from '../../log.js';
import { Loop } from '../../runtime/loop.js';
import type { Runtime } from '../../runtime/runtime.js';
import { withTimeout } from '../../runtime/with-timeout.js';
import type { CancelledStep, StepStore } from '../../store/contract.js';

export interface CancellationWatchDependencies {
  readonly store: Pick<StepStore, 'cancelled'>;
  readonly runtime: Runtime;
  readonly log: Log;
  /** The steps that are held here. */
  readonly stepIds: () => readonly string[];
  /** @param askedAt when the query was sent. A claim that came later is not one that it asked about */
  readonly onCancelled: (cancelled: CancelledStep, askedAt: number) => void;
}

/** Between two queries, in ms. With the store's own delay, a cancellation is noticed within 50 ms. */
const GAP_MS = 20;
/** How long to wait for the reply of a query, in ms. */
const REPLY_WITHIN_MS = 1_000;

export class CancellationWatch {
  readonly #deps: CancellationWatchDependencies;
  readonly #loop: Loop;
  readonly #stopped = new AbortController();
  #changed = false;
  #notBefore = 0;

  constructor(deps: CancellationWatchDependencies) {
    this.#deps = deps;
    this.#loop = new Loop(deps.runtime, () => this.#tick(), { ref: false, onError: () => Infinity });
  }

  start(): Promise<void> {
    return this.#loop.start();
  }

  stop(): Promise<void> {
    this.#stopped.abort();
    return this.#loop.stop();
  }

  /** Others changed something in the store. */
  check(): void {
    this.#changed = true;
    this.#loop.wake();
  }

  /** Those of the given steps that were cancelled. If the store does not answer: none. */
  async among(stepIds: readonly string[]): Promise<readonly CancelledStep[]> {
    const { runtime, store, log } = this.#deps;
    if (stepIds.length === 0) return [];
    const bounds = { timeoutMs: REPLY_WITHIN_MS, signal: this.#stopped.signal };
    try {
      return await withTimeout(runtime, () => store.cancelled(stepIds), bounds);
    } catch (error) {
      log.debug({ error: loggedError(error) }, 'query for cancelled steps failed; the next heartbeat shows them');
      return [];
    }
  }

  async #tick(): Promise<number> {
    if (!this.#changed) return Infinity;
    const now = this.#deps.runtime.monotonicMs();
    if (now < this.#notBefore) return this.#notBefore - now;
    this.#changed = false;
    this.#notBefore = now + GAP_MS;
    for (const cancelled of await this.among(this.#deps.stepIds())) this.#deps.onCancelled(cancelled, now);
    return Infinity; // a change that came meanwhile has woken the loop
  }
}

/**
 * Reads again if a read does not show the expected row, because the read may have been late.
 *
 * Invariants:
 * - An absence is believed once it shows in a read that was sent at least `staleReadMs` after the operation started, or
 *   after the operation noticed that the row had moved. If reads are never late, that is the first such read, without a
 *   pause.
 * - The pauses double, from a second. The last read is sent when `staleReadMs` is over.
 * - A pause ends when the store is about to be closed. Its timer does not belong to the caller's async context.
 */
import type { QueueContext } from '../runtime/async-context.js';
import { doubledMs } from '../runtime/backoff.js';
import { sleep, type Runtime } from '../runtime/runtime.js';

export interface SecondReadDependencies {
  readonly runtime: Runtime;
  readonly context: QueueContext;
  readonly staleReadMs: number;
  /** Aborts before the store is closed. */
  readonly closing: AbortSignal;
}

const FIRST_PAUSE_MS = 1_000;

export class SecondRead {
  readonly #deps: SecondReadDependencies;
  #since: number;
  /** When the last read was sent; `undefined` if there was none since `#since`. */
  #sentAt: number | undefined;
  #pauseMs = FIRST_PAUSE_MS;

  /** Create it right before the first read. */
  constructor(deps: SecondReadDependencies) {
    this.#deps = deps;
    this.#since = this.#sentAt = deps.runtime.monotonicMs();
  }

  /** The row has moved since it was read: no read so far counts. */
  moved(): void {
    this.#since = this.#deps.runtime.monotonicMs();
    this.#sentAt = undefined;
  }

  /** Pauses before another read. `false`: no other read is needed, and the last one is to be believed. */
  async again(): Promise<boolean> {
    const { runtime, context, staleReadMs, closing } = this.#deps;
    if (this.#sentAt !== undefined && this.#sentAt - this.#since >= staleReadMs) return false;
    const leftMs = this.#since + staleReadMs - runtime.monotonicMs();
    if (leftMs > 0) await context.run(() => sleep(runtime, Math.min(this.#pauseMs, leftMs), closing));
    this.#pauseMs = doubledMs(this.#pauseMs);
    this.#sentAt = runtime.monotonicMs();
    return true;
  }
}

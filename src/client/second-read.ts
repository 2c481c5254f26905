/**
 * Looks again where a read says no, since it may be late.
 *
 * Invariants:
 * - A "no" is believed once a look says it that was asked at least `staleReadMs` after the call began, or after it learned
 *   that the row had moved. Where reads are never late, that is the first such look, and there is no pause.
 * - The pauses between looks double from a second on; the last look comes when the time is over.
 * - A pause ends when the store is to be closed. Its timer is none of the caller's async context.
 */
import type { QueueContext } from '../runtime/async-context.js';
import { doubledMs } from '../runtime/backoff.js';
import { sleep, type Runtime } from '../runtime/runtime.js';

export interface SecondReadParts {
  readonly runtime: Runtime;
  readonly context: QueueContext;
  readonly staleReadMs: number;
  /** Aborts when the store is to be closed. */
  readonly ended: AbortSignal;
}

const FIRST_PAUSE_MS = 1_000;

export class SecondRead {
  readonly #parts: SecondReadParts;
  #since: number;
  /** When the last look was asked; `undefined`: none since then. */
  #askedAt: number | undefined;
  #pauseMs = FIRST_PAUSE_MS;

  /** To be made right before the first look. */
  constructor(parts: SecondReadParts) {
    this.#parts = parts;
    this.#since = this.#askedAt = parts.runtime.monotonicMs();
  }

  /** The row has moved since it was read: no look so far counts. */
  moved(): void {
    this.#since = this.#parts.runtime.monotonicMs();
    this.#askedAt = undefined;
  }

  /** Pauses before another look. `false`: the last look is to be believed. */
  async again(): Promise<boolean> {
    const { runtime, context, staleReadMs, ended } = this.#parts;
    if (this.#askedAt !== undefined && this.#askedAt - this.#since >= staleReadMs) return false;
    const leftMs = this.#since + staleReadMs - runtime.monotonicMs();
    if (leftMs > 0) await context.run(() => sleep(runtime, Math.min(this.#pauseMs, leftMs), ended));
    this.#pauseMs = doubledMs(this.#pauseMs);
    this.#askedAt = runtime.monotonicMs();
    return true;
  }
}

/**
 * How many claims per ms end here while there is work.
 *
 * Invariants:
 * - While nothing has completed the rate is 0.
 * - Time without work does not count, so a pod that wakes up after an idle night claims ahead at once.
 * - The rate is never above the capacity of the slots: a few long handlers that end together do not count as a burst.
 */

/** How long a completion counts, in ms of work. */
const MEMORY_MS = 1_000;

export class CompletionRate {
  readonly #slots: number;
  #ended = 0;
  #durationMs = 0;
  #busyMs = 0;
  /** Since the last reading. */
  #newEnded = 0;
  #newDurationMs = 0;
  #newBusyMs = 0;
  /** When the pod became busy, or when its busy time was last counted; `undefined` while no handler runs. */
  #busySince: number | undefined = undefined;

  constructor(slots: number) {
    this.#slots = slots;
  }

  /** The first handler was called. */
  workBegan(now: number): void {
    this.#busySince = now;
  }

  /** The last handler has returned. */
  workEnded(now: number): void {
    this.#countBusy(now);
    this.#busySince = undefined;
  }

  /** A handler has returned after this time. */
  completed(durationMs: number): void {
    this.#newEnded++;
    this.#newDurationMs += durationMs;
  }

  /** Completions per ms. @param memoryMs how long a completion counts at least, in ms of work */
  perMs(now: number, memoryMs: number = MEMORY_MS): number {
    this.#countBusy(now);
    const fades = Math.exp(-this.#newBusyMs / Math.max(MEMORY_MS, memoryMs));
    this.#ended = this.#ended * fades + this.#newEnded;
    this.#durationMs = this.#durationMs * fades + this.#newDurationMs;
    this.#busyMs = this.#busyMs * fades + this.#newBusyMs;
    this.#newEnded = this.#newDurationMs = this.#newBusyMs = 0;
    if (this.#ended < 1e-6) return 0;
    const measured = this.#ended / Math.max(this.#busyMs, 0.01);
    const possible = (this.#slots * this.#ended) / Math.max(this.#durationMs, 0.01);
    return Math.min(measured, possible);
  }

  /** Discards the measurements, because they are no longer valid. */
  forget(): void {
    this.#ended = this.#durationMs = this.#busyMs = 0;
    this.#newEnded = this.#newDurationMs = this.#newBusyMs = 0;
  }

  #countBusy(now: number): void {
    if (this.#busySince === undefined) return;
    this.#newBusyMs += now - this.#busySince;
    this.#busySince = now;
  }
}

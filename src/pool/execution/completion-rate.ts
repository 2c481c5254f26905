/**
 * How many claims per ms end here while there is work.
 *
 * Invariants:
 * - While nothing has completed the rate is 0.
 * - Time without work does not count, so a pod that wakes up after an idle night claims ahead at once. While nothing is left to
 *   start, only the share of the slots that work counts: a pod that runs dry between two exchanges would otherwise measure a lower
 *   rate, claim less ahead, and go on running dry (measured in a simulation: 100 pods at 0.92 of their capacity).
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
  /** The share of the slots that counts as working: all of them while something waits for a slot. */
  #share = 0;
  #countedUntil = 0;

  constructor(slots: number) {
    this.#slots = slots;
  }

  /** Whether slots are idle because nothing is left to start. */
  get starved(): boolean {
    return this.#share < 1;
  }

  /** From now on this share of the slots works, or waits only for others to return; 0 to 1. */
  working(now: number, share: number): void {
    this.#countBusy(now);
    this.#share = share;
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
    this.#newBusyMs += (now - this.#countedUntil) * this.#share;
    this.#countedUntil = now;
  }
}

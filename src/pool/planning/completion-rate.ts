/**
 * How many claims per ms come to their end here while there is work.
 *
 * Law: nothing completed, no rate. Time without work does not count, so a pod that wakes up after an idle night claims
 * ahead at once; and few long handlers that end together pass for no more than their slots can do.
 */

/** For how long the past counts, in ms of work. */
const MEMORY_MS = 1_000;

export class CompletionRate {
  #ended = 0;
  #durationMs = 0;
  #busyMs = 0;
  /** Since the last look. */
  #newEnded = 0;
  #newDurationMs = 0;
  #newBusyMs = 0;

  /** A handler returned after so long. */
  ended(durationMs: number): void {
    this.#newEnded++;
    this.#newDurationMs += durationMs;
  }

  /** At least one handler ran for so long. */
  busy(ms: number): void {
    this.#newBusyMs += ms;
  }

  /** Completions per ms, of so many slots. */
  perMs(slots: number, memoryMs: number = MEMORY_MS): number {
    const fades = Math.exp(-this.#newBusyMs / Math.max(MEMORY_MS, memoryMs));
    this.#ended = this.#ended * fades + this.#newEnded;
    this.#durationMs = this.#durationMs * fades + this.#newDurationMs;
    this.#busyMs = this.#busyMs * fades + this.#newBusyMs;
    this.#newEnded = this.#newDurationMs = this.#newBusyMs = 0;
    if (this.#ended < 1e-6) return 0;
    const measured = this.#ended / Math.max(this.#busyMs, 0.01);
    const possible = (slots * this.#ended) / Math.max(this.#durationMs, 0.01);
    return Math.min(measured, possible);
  }

  /** What was measured no longer holds. */
  forget(): void {
    this.#ended = this.#durationMs = this.#busyMs = 0;
    this.#newEnded = this.#newDurationMs = this.#newBusyMs = 0;
  }
}

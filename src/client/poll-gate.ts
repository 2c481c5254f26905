/**
 * Decides whether a store has to be asked for ends again, by its pulse.
 *
 * Invariants:
 * - An unmoved pulse is trusted once a question was answered that was asked at least `staleReadMs` after the last move was
 *   seen. Until then reads may be older than the pulse, and the store is asked at each look.
 * - A question that failed earns no trust.
 * - No trust lasts longer than an hour: how late a read may be is only as certain as the bound that the store states.
 */

/** For how long an unmoved pulse is trusted, in ms. */
const LONGEST_TRUST_MS = 3_600_000;

export class PollGate {
  readonly #staleReadMs: number;
  #last: string | undefined;
  #movedAt = 0;
  /** When the question was asked that covers the last move. */
  #trustedSince: number | undefined;

  constructor(staleReadMs: number) {
    this.#staleReadMs = staleReadMs;
  }

  /**
   * To be read before the question: what ends after the question was asked moves it again.
   *
   * @param now when it had been read
   * @returns whether the store has to be asked
   */
  read(pulse: string, now: number): boolean {
    if (pulse !== this.#last) {
      this.#last = pulse;
      this.#movedAt = now;
      this.#trustedSince = undefined;
    }
    return this.#trustedSince === undefined || now - this.#trustedSince >= LONGEST_TRUST_MS;
  }

  /** A question that was asked then has been answered. */
  answered(askedAt: number): void {
    if (askedAt - this.#movedAt >= this.#staleReadMs) this.#trustedSince = askedAt;
  }

  /** Nothing is awaited any more: the next wait begins anew. */
  forget(): void {
    this.#last = undefined;
    this.#trustedSince = undefined;
  }
}

/**
 * Decides by the store's pulse whether a poll has to query the store.
 *
 * Invariants:
 * - An unchanged pulse is trusted once a query was answered that was sent at least `staleReadMs` after the last change was
 *   noticed. Until then a read may be older than the pulse, and every poll queries the store.
 * - A query that failed earns no trust.
 * - Trust expires: the store states how late a read may be, but cannot prove it. Where idle pods sleep, it lasts as long as
 *   theirs, so that waiting keeps no warehouse awake. Elsewhere it lasts an hour.
 */

const TRUST_MS = 3_600_000;

export class PulseGate {
  readonly #staleReadMs: number;
  readonly #trustMs: number;
  #lastPulse: string | undefined;
  #changedAt = 0;
  /** When the query was sent that covers the last change. */
  #trustedSince: number | undefined;

  /** @param trustMs how long an unchanged pulse is trusted at most */
  constructor(staleReadMs: number, trustMs = TRUST_MS) {
    this.#staleReadMs = staleReadMs;
    this.#trustMs = trustMs;
  }

  /**
   * Takes a pulse, which has to be read before the query: a step that ends after the query was sent changes it again.
   *
   * @param now when it was read
   * @returns whether the store has to be queried
   */
  mustQuery(pulse: string, now: number): boolean {
    if (pulse !== this.#lastPulse) {
      this.#lastPulse = pulse;
      this.#changedAt = now;
      this.#trustedSince = undefined;
    }
    return this.#trustedSince === undefined || now - this.#trustedSince >= this.#trustMs;
  }

  /** A query that was sent at this time has been answered. */
  answered(sentAt: number): void {
    if (sentAt - this.#changedAt >= this.#staleReadMs) this.#trustedSince = sentAt;
  }

  /** Nothing is awaited any more. The next wait starts without trust. */
  reset(): void {
    this.#lastPulse = undefined;
    this.#trustedSince = undefined;
  }
}

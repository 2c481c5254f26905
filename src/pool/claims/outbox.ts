/**
 * Claims that have come to their end and await a receipt.
 *
 * Law: an outcome leaves only by its receipt. What a failed exchange carried comes back to the front and is sent again.
 * A batch belongs to one incarnation: what an earlier one held is settled in its name, and its fence decides.
 */
import type { HeldClaim } from './held-claim.js';

export class Outbox {
  #claims: HeldClaim[] = [];
  /** What the exchange under way carries. */
  #sending: readonly HeldClaim[] = [];

  /** Those that wait to be sent. */
  get size(): number {
    return this.#claims.length;
  }

  /** Those that await a receipt, sent or not. */
  get awaiting(): number {
    return this.#claims.length + this.#sending.length;
  }

  /** Whether no receipt is awaited. */
  get empty(): boolean {
    return this.awaiting === 0;
  }

  add(held: HeldClaim): void {
    this.#claims.push(held);
  }

  /** The next batch: at most so many, all of one incarnation. It is under way until `sent` or `keep`. */
  take(most: number): readonly HeldClaim[] {
    const claims = this.#claims;
    const [first] = claims;
    if (first === undefined) return [];
    const limit = Math.min(claims.length, Math.max(1, most));
    let count = 1;
    while (count < limit && claims[count]?.pod === first.pod) count++;
    if (count === claims.length) {
      this.#sending = claims;
      this.#claims = [];
    } else {
      this.#sending = claims.splice(0, count);
    }
    return this.#sending;
  }

  /** The batch has its receipts. */
  sent(): void {
    this.#sending = [];
  }

  /** The exchange failed: they are sent again, before all others. */
  keep(): void {
    this.#claims = [...this.#sending, ...this.#claims];
    this.#sending = [];
  }

  all(): HeldClaim[] {
    return [...this.#sending, ...this.#claims];
  }
}

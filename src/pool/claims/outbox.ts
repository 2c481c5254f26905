/**
 * Claims that have come to their end and await a receipt.
 *
 * Law: an outcome leaves only by its receipt. What a failed exchange carried comes back to the front and is sent again.
 * A batch belongs to one incarnation: what an earlier one held is settled in its name, and its fence decides.
 */
import type { Hold } from './held-claim.js';

export class Outbox {
  #holds: Hold[] = [];
  /** What the exchange under way carries. */
  #sending: readonly Hold[] = [];

  /** Those that wait to be sent. */
  get size(): number {
    return this.#holds.length;
  }

  /** Those that await a receipt, sent or not. */
  get awaiting(): number {
    return this.#holds.length + this.#sending.length;
  }

  /** Whether no receipt is awaited. */
  get empty(): boolean {
    return this.awaiting === 0;
  }

  add(hold: Hold): void {
    this.#holds.push(hold);
  }

  /** The next batch: at most so many, all of one incarnation. It is under way until `sent` or `keep`. */
  take(most: number): readonly Hold[] {
    const holds = this.#holds;
    const [first] = holds;
    if (first === undefined) return [];
    const limit = Math.min(holds.length, Math.max(1, most));
    let count = 1;
    while (count < limit && holds[count]?.pod === first.pod) count++;
    if (count === holds.length) {
      this.#sending = holds;
      this.#holds = [];
    } else {
      this.#sending = holds.splice(0, count);
    }
    return this.#sending;
  }

  /** The batch has its receipts. */
  sent(): void {
    this.#sending = [];
  }

  /** The exchange failed: they are sent again, before all others. */
  keep(): void {
    this.#holds = [...this.#sending, ...this.#holds];
    this.#sending = [];
  }

  all(): Hold[] {
    return [...this.#sending, ...this.#holds];
  }
}

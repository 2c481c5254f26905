/**
 * Claims that have ended and await their receipts.
 *
 * Invariants:
 * - A claim leaves only with its receipt. If an exchange fails, its batch returns to the front and is sent again.
 * - A batch belongs to one incarnation. Claims of an earlier incarnation are settled in its name, and its fence decides.
 */
import type { Fence } from '../../store/contract.js';
import { HeldClaim, type EndedHeldClaim } from './held-claim.js';
import type { UnknownClaim } from './unknown-claim.js';

export type OutboxEntry = EndedHeldClaim | UnknownClaim;

/** Whether the entry is a claim that this pod took: one that events are emitted for. */
export function isEnded(entry: OutboxEntry): entry is EndedHeldClaim {
  return entry instanceof HeldClaim;
}

export class Outbox {
  #waiting: OutboxEntry[] = [];
  /** The batch of the exchange in flight. */
  #sending: readonly OutboxEntry[] = [];
  /** Whether there may be claims that the pod never took. Mostly there are none, and nothing is searched. */
  #unknown = false;

  /** How many wait to be sent. */
  get size(): number {
    return this.#waiting.length;
  }

  /** How many await a receipt, sent or not. */
  get awaiting(): number {
    return this.#waiting.length + this.#sending.length;
  }

  /** Whether no receipt is awaited. */
  get empty(): boolean {
    return this.awaiting === 0;
  }

  /** Whether a claim that the pod never took is being given back. */
  get hasUnknown(): boolean {
    return this.#unknown && this.all().some((entry) => !isEnded(entry));
  }

  add(entry: OutboxEntry): void {
    this.#unknown ||= !isEnded(entry);
    this.#waiting.push(entry);
  }

  /** The next batch: at most `most` entries, all of one incarnation. It is in flight until `sent` or `keep`. */
  take(most: number): readonly OutboxEntry[] {
    const waiting = this.#waiting;
    const [first] = waiting;
    if (first === undefined) return [];
    const limit = Math.min(waiting.length, Math.max(1, most));
    let count = 1;
    while (count < limit && waiting[count]?.pod === first.pod) count++;
    if (count === waiting.length) {
      this.#sending = waiting;
      this.#waiting = [];
    } else {
      this.#sending = waiting.splice(0, count);
    }
    return this.#sending;
  }

  /** The batch has its receipts. */
  sent(): void {
    this.#sending = [];
    this.#unknown = this.hasUnknown;
  }

  /** The exchange failed: the batch is sent again before all others. */
  keep(): void {
    this.#waiting = [...this.#sending, ...this.#waiting];
    this.#sending = [];
  }

  /** All that await a receipt, sent or not. */
  all(): OutboxEntry[] {
    return [...this.#sending, ...this.#waiting];
  }

  /** The fences of all that await a receipt. */
  fences(): Fence[] {
    return this.all().map((entry) => (isEnded(entry) ? entry.claim : entry.fence));
  }
}

/**
 * Selects the claims that have waited unstarted for too long, in one pass over all of them.
 *
 * Invariants:
 * - The claims of each lane of the ready queue come in order, and those of unlimited types come first.
 * - If a claim is given back, later claims that rank below it are given back too. Otherwise they would start before it when it
 *   is claimed again.
 */
import type { HeldClaim } from '../claims/held-claim.js';

export class OverdueClaims {
  /** When the oldest claim that is kept was taken; `Infinity` if none is kept. */
  oldestAt = Infinity;
  readonly #before: number;
  /** The highest priority among overdue claims of unlimited types: those waited for a slot only. */
  #forSlot = -Infinity;
  #last: HeldClaim | undefined;

  /** @param before a claim taken by then has waited too long */
  constructor(before: number) {
    this.#before = before;
  }

  has(held: HeldClaim): boolean {
    const { claim, claimedAt, handler } = held;
    if (claimedAt <= this.#before) {
      if (handler.limit === undefined) this.#forSlot = Math.max(this.#forSlot, claim.priority);
      this.#last = held;
      return true;
    }
    const forType = this.#last?.handler === handler ? this.#last.claim.priority : -Infinity;
    if (claim.priority < Math.max(this.#forSlot, forType)) return true;
    this.oldestAt = Math.min(this.oldestAt, claimedAt);
    return false;
  }
}

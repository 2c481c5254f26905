/**
 * Which of the claims that wait unstarted have waited too long, as of one look at all of them.
 *
 * Invariants: the claims of each lane of the buffer come in order, those without a limit of their type first. Where one is
 * given back, what came later and ranks below it goes too: it would start first, though the other is claimed again.
 */
import type { HeldClaim } from '../claims/held-claim.js';

export class OverdueClaims {
  /** When the oldest of those was claimed that are kept; `Infinity`: none is. */
  oldestAt = Infinity;
  readonly #before: number;
  /** The highest priority of those that waited for a slot alone. */
  #forSlot = -Infinity;
  #last: HeldClaim | undefined;

  /** @param before what was claimed by then has waited too long */
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

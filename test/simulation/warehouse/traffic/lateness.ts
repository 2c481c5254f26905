/**
 * How late the statements of one session read what other sessions have committed.
 *
 * Invariants:
 * - Never later than the bound. Half of the statements read everything.
 * - Unless reads go back, a session never sees an older state than it has seen.
 */
import type { Traffic } from './settings.js';

export class Lateness {
  #seenTo = -Infinity;

  /** Up to which instant a statement sees what others have committed. `Infinity`: everything. */
  next(now: number, { lateReadMs, readsGoBack }: Traffic, random: () => number): number {
    if (lateReadMs <= 0) return Infinity;
    const at = random() < 0.5 ? now : now - lateReadMs * random();
    if (readsGoBack) return at;
    return (this.#seenTo = Math.max(this.#seenTo, at));
  }
}

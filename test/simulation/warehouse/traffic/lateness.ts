/**
 * How late the statements of one session read what other sessions have committed.
 *
 * For a while a session reads everything, or each statement reads as late as it draws, or all of them read late by the same time.
 *
 * Invariants:
 * - Never later than the bound.
 * - Unless reads go back, a session never sees an older state than it has seen.
 */
import type { Traffic } from './settings.js';

type Spell = 'fresh' | 'wandering' | 'steady';

/** How long a spell lasts at most, in bounds. */
const LONGEST_SPELL = 5;

export class Lateness {
  #spell: Spell = 'fresh';
  #steadyMs = 0;
  #until = -Infinity;
  #seenTo = -Infinity;

  /** Up to which instant a statement sees what others have committed. `Infinity`: everything. */
  next(now: number, { lateReadMs, readsGoBack }: Traffic, random: () => number): number {
    if (lateReadMs <= 0) return Infinity;
    if (now >= this.#until) this.#draw(now, lateReadMs, random);
    const at = now - this.#lateMs(lateReadMs, random);
    if (readsGoBack) return at;
    return (this.#seenTo = Math.max(this.#seenTo, at));
  }

  #draw(now: number, lateReadMs: number, random: () => number): void {
    const chance = random();
    this.#spell = chance < 0.4 ? 'fresh' : chance < 0.7 ? 'wandering' : 'steady';
    this.#steadyMs = lateReadMs * random();
    this.#until = now + LONGEST_SPELL * lateReadMs * random();
  }

  #lateMs(lateReadMs: number, random: () => number): number {
    switch (this.#spell) {
      case 'fresh':
        return 0;
      case 'wandering':
        return lateReadMs * random();
      case 'steady':
        return Math.min(this.#steadyMs, lateReadMs); // the bound may have become smaller
    }
  }
}

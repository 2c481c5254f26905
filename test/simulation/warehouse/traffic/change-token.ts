/**
 * What SYSTEM$LAST_CHANGE_COMMIT_TIME answers for a table.
 *
 * Invariants:
 * - Without a fault it moves with each change, and only rises.
 * - A token that is late shows what it was at most `tokenMs` ago, and may go back. One that is early has moved for a statement that
 *   is at work, before its change can be read; it does not move again when the statement commits. A frozen one never moves.
 */
import type { TokenFault } from './settings.js';

interface Move {
  readonly at: number;
  readonly value: number;
}

/** It is in ns, with more digits than a number keeps. */
const NS_PER_MS = '000000';
const FIRST = 1;

export interface TokenRules {
  readonly token: TokenFault;
  readonly tokenMs: number;
}

export class ChangeToken {
  readonly #random: () => number;
  #rules: TokenRules;
  #moves: Move[] = [{ at: -Infinity, value: FIRST }];
  #newest = FIRST;

  constructor(rules: TokenRules, random: () => number) {
    this.#rules = rules;
    this.#random = random;
  }

  set rules(rules: TokenRules) {
    this.#rules = rules;
  }

  /** A statement that will change the table begins its work. Returns whether the token has moved for it. */
  announce(now: number): boolean {
    const isEarly = this.#rules.token === 'late or early' && this.#random() < 0.25;
    if (isEarly) this.move(now);
    return isEarly;
  }

  /** The table has changed. */
  move(now: number): void {
    this.#newest = Math.max(this.#newest + 1, Math.floor(now));
    const needed = this.#moves.findLastIndex(({ at }) => at <= now - this.#rules.tokenMs);
    if (needed > 0) this.#moves.splice(0, needed);
    this.#moves.push({ at: now, value: this.#newest });
  }

  read(now: number): string {
    return `${this.#shown(now)}${NS_PER_MS}`;
  }

  #shown(now: number): number {
    const { token, tokenMs } = this.#rules;
    if (token === 'frozen') return FIRST;
    if (token === 'none' || this.#random() < 0.5) return this.#newest;
    const at = now - tokenMs * this.#random();
    return (this.#moves.findLast((move) => move.at <= at) ?? this.#moves[0])?.value ?? FIRST;
  }
}

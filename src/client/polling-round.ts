/**
 * Goes round the awaited steps, some at each look: for stores whose answer about ends may miss one.
 *
 * Invariants: a round goes once over all steps that were awaited when it began. Its pieces are an interval apart.
 */

interface Awaited {
  readonly size: number;
  keys(): Iterator<string>;
}

/** Awaited steps in one piece. */
const AT_ONCE = 100;

export class PollingRound {
  readonly #awaited: Awaited;
  readonly #intervalMs: number;
  #at: Iterator<string> | undefined;
  #left = 0;
  #dueAt = 0;

  /** @param awaited may change at any time */
  constructor(awaited: Awaited, intervalMs: number) {
    this.#awaited = awaited;
    this.#intervalMs = intervalMs;
  }

  begin(): void {
    this.#left = this.#awaited.size;
  }

  end(): void {
    this.#left = 0;
  }

  /** The next piece; empty where none is due. */
  next(now: number): string[] {
    const ids: string[] = [];
    if (this.#left === 0 || now < this.#dueAt) return ids;
    this.#dueAt = now + this.#intervalMs;
    const count = Math.min(this.#left, AT_ONCE);
    this.#left -= count;
    while (ids.length < count && this.#awaited.size > 0) {
      const next = (this.#at ??= this.#awaited.keys()).next();
      if (next.done !== true) ids.push(next.value);
      else this.#at = undefined;
    }
    return ids;
  }
}

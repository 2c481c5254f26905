/**
 * Goes through all awaited steps, a piece at each poll, for stores whose reply about ended steps may miss one.
 *
 * Invariants:
 * - A round visits every step that was awaited when it began, once.
 * - Its pieces are at least an interval apart.
 */

interface Awaited {
  readonly size: number;
  keys(): Iterator<string>;
}

/** Steps in one piece. */
const PIECE = 100;

export class AwaitedSweep {
  readonly #awaited: Awaited;
  readonly #intervalMs: number;
  #position: Iterator<string> | undefined;
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

  /** The ids of the next piece; empty if none is due. */
  next(now: number): string[] {
    const ids: string[] = [];
    if (this.#left === 0 || now < this.#dueAt) return ids;
    this.#dueAt = now + this.#intervalMs;
    const count = Math.min(this.#left, PIECE);
    this.#left -= count;
    while (ids.length < count && this.#awaited.size > 0) {
      const next = (this.#position ??= this.#awaited.keys()).next();
      if (next.done !== true) ids.push(next.value);
      else this.#position = undefined;
    }
    return ids;
  }
}

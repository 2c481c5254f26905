/**
 * A step type that this pod handles, with its limits and how many of its claims are here.
 *
 * Invariants:
 * - `p-limit` bounds a type that has a `concurrency`. It counts a handler until it has really returned, so strays count too.
 * - A claim starts only if its type has room, so nothing ever waits inside `p-limit`.
 */
import pLimit, { type LimitFunction } from 'p-limit';
import type { RegisteredStep } from '../../step/definition.js';

/** The weight of the newest duration in the mean. */
const NEWEST_WEIGHT = 0.2;

export class TypeHandler {
  readonly definition: RegisteredStep;
  /** `Infinity`: no time-out. */
  readonly timeoutMs: number;
  readonly limit: LimitFunction | undefined;
  #unstarted = 0;
  #strays = 0;
  #meanMs: number | undefined = undefined;

  /** @param timeoutMs for a type that has none of its own */
  constructor(definition: RegisteredStep, timeoutMs = Infinity) {
    this.definition = definition;
    this.timeoutMs = definition.timeoutMs === null ? Infinity : (definition.timeoutMs ?? timeoutMs);
    this.limit = definition.concurrency === undefined ? undefined : pLimit(definition.concurrency);
  }

  /** How many more may start now. */
  get room(): number {
    return this.limit === undefined ? Infinity : this.limit.concurrency - this.limit.activeCount;
  }

  /** Claims of this type that are held unstarted. */
  get unstarted(): number {
    return this.#unstarted;
  }

  get strays(): number {
    return this.#strays;
  }

  claimQueued(): void {
    this.#unstarted++;
  }

  claimDequeued(): void {
    this.#unstarted--;
  }

  strayAdded(): void {
    this.#strays++;
  }

  strayRemoved(): void {
    this.#strays--;
  }

  /** A handler of this type returned after this time. Only called for types with a limit. */
  took(durationMs: number): void {
    this.#meanMs = this.#meanMs === undefined ? durationMs : this.#meanMs + NEWEST_WEIGHT * (durationMs - this.#meanMs);
  }

  /** How many more claims of this type are useful: for the room now, and for what becomes free within `spanMs`. */
  useful(spanMs: number): number {
    if (this.limit === undefined) return Infinity;
    const lanes = this.limit.concurrency - this.#strays;
    const coming = this.#meanMs === undefined ? 0 : Math.floor((lanes * spanMs) / Math.max(this.#meanMs, 0.01));
    return Math.max(0, this.room + coming - this.#unstarted);
  }
}

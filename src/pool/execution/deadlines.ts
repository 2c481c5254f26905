/**
 * One timer for the deadlines of everything that runs.
 *
 * Invariants:
 * - A start costs no timer. The timer is set to the earliest deadline so far, and a handler that returns in time leaves it set.
 * - When the timer fires, `expire` checks the handlers that still run and returns the earliest deadline left.
 */
import type { Runtime, Timer } from '../../runtime/runtime.js';

export class Deadlines {
  readonly #runtime: Runtime;
  readonly #expire: (now: number) => number;
  #timer: Timer | undefined;
  #setFor = Infinity;

  /** @param expire acts on the deadlines that are due; returns when the next is due, or `Infinity` */
  constructor(runtime: Runtime, expire: (now: number) => number) {
    this.#runtime = runtime;
    this.#expire = expire;
  }

  /** Something is due at `at` on the monotonic clock. */
  expect(at: number): void {
    if (at >= this.#setFor) return;
    this.#timer?.cancel();
    this.#setFor = at;
    this.#timer = this.#runtime.after(at - this.#runtime.monotonicMs(), () => this.#fire());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#setFor = Infinity;
  }

  #fire(): void {
    this.#setFor = Infinity;
    this.#timer = undefined;
    const next = this.#expire(this.#runtime.monotonicMs());
    if (next < Infinity) this.expect(next);
  }
}

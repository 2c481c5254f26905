/**
 * One timer for the deadlines of everything that runs.
 *
 * Law: a start costs no timer. The timer stands at the earliest deadline it was told; a handler that returns in time
 * leaves it standing, and when it fires, `expire` looks at what still runs and answers the earliest deadline left.
 */
import type { Runtime, Timer } from '../../runtime/runtime.js';

export class Deadlines {
  readonly #runtime: Runtime;
  readonly #expire: (now: number) => number;
  #timer: Timer | undefined;
  #setFor = Infinity;

  /** @param expire ends what is due by now; answers when the next is due, `Infinity` for never */
  constructor(runtime: Runtime, expire: (now: number) => number) {
    this.#runtime = runtime;
    this.#expire = expire;
  }

  /** Something is due at `at`, by the monotonic clock. */
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

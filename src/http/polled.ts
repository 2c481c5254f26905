/**
 * Keeps an answer for an interval, so that any number of clients may poll.
 *
 * Invariants:
 * - The source is asked by one call at a time, and after an answer not again before the interval is over.
 * - A failure is kept for a second, or for the interval if that is shorter.
 */

/** How long a failure is kept, in ms. */
const FAILURE_MS = 1_000;

/** An answer, and when it came, in epoch ms. */
export interface Polled<T> {
  readonly value: T;
  readonly at: number;
}

export class Poll<T> {
  readonly #ask: () => Promise<T>;
  readonly #intervalMs: () => number;
  #last: Promise<Polled<T>> | undefined;
  /** On the monotonic clock; `Infinity` while the source is asked. */
  #expiresAt = -Infinity;

  constructor(ask: () => Promise<T>, intervalMs: () => number) {
    this.#ask = ask;
    this.#intervalMs = intervalMs;
  }

  /** The last answer, if it is not older than the interval; else a new one. */
  async read(): Promise<Polled<T>> {
    if (this.#last === undefined || performance.now() >= this.#expiresAt) {
      const intervalMs = this.#intervalMs();
      this.#expiresAt = Infinity;
      this.#last = this.#asked(performance.now(), intervalMs);
    }
    return this.#last;
  }

  async #asked(since: number, intervalMs: number): Promise<Polled<T>> {
    try {
      const value = await this.#ask();
      this.#expiresAt = since + intervalMs;
      return { value, at: Date.now() };
    } catch (error) {
      this.#expiresAt = performance.now() + Math.min(FAILURE_MS, intervalMs);
      throw error;
    }
  }
}

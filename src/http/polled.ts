/**
 * Keeps an answer for an interval, so that any number of clients may poll.
 *
 * Invariants:
 * - The source is asked by one call at a time, and after an answer not again before the interval is over. If the source keeps
 *   its answers, the interval begins when it got this one.
 * - If the source takes long, the interval grows with it, so that asking takes up a twentieth of the time at most.
 * - A failure is kept for a second, or for the interval if that is shorter.
 */

/** How long a failure is kept, in ms. */
const FAILURE_MS = 1_000;
/** An answer is kept for at least this many times as long as it took. */
const KEPT_PER_CALL = 20;
/** But not longer than this for that reason, in ms. */
const LONGEST_MS = 300_000;

/** An answer, and when it came, in epoch ms. */
export interface Polled<T> {
  readonly value: T;
  readonly at: number;
}

export interface PollOptions<T> {
  /** How long an answer is kept, in ms. */
  readonly intervalMs: () => number;
  /** Whether an answer is still current although its interval is over. Default: it is not. @param ageMs how old it is */
  readonly isCurrent?: (ageMs: number) => Promise<boolean>;
  /** When the source got an answer that it keeps as well. Default: it got it just now. */
  readonly timing?: (value: T) => { readonly ageMs: number; readonly tookMs: number };
}

export class Poll<T> {
  readonly #ask: (maxAgeMs: number) => Promise<T>;
  readonly #options: PollOptions<T>;
  #last: Promise<Polled<T>> | undefined;
  /** When the source was asked for the last answer, on the monotonic clock. */
  #askedAt = 0;
  /** The least time that the last answer is kept, because of how long it took. */
  #longMs = 0;
  /** On the monotonic clock; `Infinity` while the source is asked. */
  #expiresAt = -Infinity;

  /** @param ask gets the greatest age that an answer may have, in ms */
  constructor(ask: (maxAgeMs: number) => Promise<T>, options: PollOptions<T>) {
    this.#ask = ask;
    this.#options = options;
  }

  /** The last answer, if it is not older than the interval or still current; else a new one. */
  async read(): Promise<Polled<T>> {
    if (this.#last === undefined || (this.#isOver && !(await this.#isCurrent()))) {
      // Another call may have asked during the await.
      if (this.#last === undefined || this.#isOver) this.#last = this.#asked(this.#options.intervalMs());
    }
    return this.#last;
  }

  get #isOver(): boolean {
    return performance.now() >= this.#expiresAt;
  }

  async #isCurrent(): Promise<boolean> {
    const { isCurrent } = this.#options;
    if (isCurrent === undefined) return false;
    try {
      await this.#last;
      return await isCurrent(performance.now() - this.#askedAt);
    } catch {
      return false; // a failure is never current
    }
  }

  async #asked(intervalMs: number): Promise<Polled<T>> {
    this.#expiresAt = Infinity;
    const since = performance.now();
    this.#askedAt = since;
    try {
      const value = await this.#ask(Math.max(intervalMs, this.#longMs));
      const now = performance.now();
      const { ageMs, tookMs } = this.#options.timing?.(value) ?? { ageMs: 0, tookMs: now - since };
      this.#askedAt = now - ageMs - tookMs;
      this.#longMs = Math.min(LONGEST_MS, KEPT_PER_CALL * tookMs);
      this.#expiresAt = now - ageMs + Math.max(intervalMs, this.#longMs);
      return { value, at: Date.now() - ageMs };
    } catch (error) {
      this.#expiresAt = performance.now() + Math.min(FAILURE_MS, intervalMs);
      throw error;
    }
  }
}

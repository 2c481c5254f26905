/** Bounds the time of the host's functions, so that no request waits for them without end. */

/** How long `auth` and `can` may take together for one request, in ms. */
const MOST_MS = 10_000;

/** The time that one request gives to the host's functions. It begins when the object is made, and they share it. */
export class TimeLimit {
  readonly #mostMs: number;
  readonly #endsAt: number;

  constructor(mostMs: number = MOST_MS) {
    this.#mostMs = mostMs;
    this.#endsAt = performance.now() + mostMs;
  }

  /**
   * Calls the function within what is left of the time. Leaves no timer behind.
   *
   * @throws what the function throws; Error if the time is up
   */
  async hold<T>(name: string, call: () => Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const leftMs = Math.max(0, this.#endsAt - performance.now());
      timer = setTimeout(() => reject(new Error(`${name} did not answer within ${this.#mostMs} ms`)), leftMs);
    });
    try {
      return await Promise.race([call(), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

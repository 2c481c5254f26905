/** The store's clock, which tests move: `SYSDATE()` is later by that time. It never goes back while tables are in use. */
export class Clock {
  #aheadMs = 0;

  /** How far it is ahead of the machine's. */
  get aheadMs(): number {
    return this.#aheadMs;
  }

  /** Now, in epoch ms. */
  get nowMs(): number {
    return Date.now() + this.#aheadMs;
  }

  pass(ms: number): void {
    this.#aheadMs += ms;
  }

  reset(): void {
    this.#aheadMs = 0;
  }
}

/**
 * The store's clock, which tests move: `SYSDATE()` is later by that time, and may run faster. It never goes back while tables
 * are in use.
 */
export class Clock {
  #aheadMs = 0;
  #rate = 1;
  /** Since when it runs at this rate, on the machine's clock. */
  #since = Date.now();

  /** How far it is ahead of the machine's. */
  get aheadMs(): number {
    return Math.round(this.#aheadMs + (Date.now() - this.#since) * (this.#rate - 1));
  }

  /** Now, in epoch ms. */
  get nowMs(): number {
    return Date.now() + this.aheadMs;
  }

  /** How many of its seconds pass in one of the machine's. */
  get rate(): number {
    return this.#rate;
  }

  set rate(rate: number) {
    this.#aheadMs = this.aheadMs;
    this.#since = Date.now();
    this.#rate = rate;
  }

  pass(ms: number): void {
    this.#aheadMs += ms;
  }

  reset(): void {
    this.#aheadMs = 0;
    this.#rate = 1;
  }
}

/** The pace: how many steps fit a transaction of about 2 ms, learnt from those that were made. */

const TARGET_MS = 2;
const LEAST = 100;
const MOST = 1_000;
/** How much of what is known a transaction replaces that was faster, or slower: others on the machine only slow it down. */
const FASTER_WEIGHT = 0.2;
const SLOWER_WEIGHT = 0.02;
/** A transaction with fewer rows tells about commits, not about rows. */
const TELLING_ROWS = 20;

export class Pace {
  #msPerRow = TARGET_MS / 250;

  /** The most steps that an exchange should bring, and take. */
  get batch(): number {
    return Math.min(MOST, Math.max(LEAST, Math.round(TARGET_MS / this.#msPerRow)));
  }

  /** @param rows the steps that a transaction settled or claimed, whichever were more */
  learn(rows: number, tookMs: number): void {
    if (rows < TELLING_ROWS) return;
    const difference = tookMs / rows - this.#msPerRow;
    this.#msPerRow += (difference < 0 ? FASTER_WEIGHT : SLOWER_WEIGHT) * difference;
  }
}

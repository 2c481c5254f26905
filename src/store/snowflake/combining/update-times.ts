/** Finds out whether an UPDATE had to wait for the table's lock: it took much longer than the shortest of the last few. */

const REMEMBERED = 8;
/** A longer batch makes an UPDATE longer too, but by far less than another UPDATE before it. */
const LONGER_THAN_USUAL = 2;

export class UpdateTimes {
  readonly #took: number[] = [];

  /** @returns whether it had to wait */
  add(tookMs: number): boolean {
    const shortest = Math.min(...this.#took);
    if (this.#took.push(tookMs) > REMEMBERED) this.#took.shift();
    return tookMs > LONGER_THAN_USUAL * shortest;
  }
}

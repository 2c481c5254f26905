/** How long the pool has worked without a break, so that it yields to the event loop in time. */

/** After this much work the event loop gets its turn, in ms. */
const SLICE_MS = 4;

export class TimeSlice {
  #since = 0;

  /** The event loop had its turn. */
  begin(now: number): void {
    this.#since = now;
  }

  isOver(now: number): boolean {
    return now - this.#since >= SLICE_MS;
  }
}

/**
 * A binary heap of timers: the next one is found at once, and any of them is removed in a few steps.
 *
 * Invariants:
 * - Timers are ordered by `at`, then by `order`, which is unique. So the heap's shape never shows.
 * - Each timer knows its slot, and is in one heap at most. Outside the heap its slot is {@link OUTSIDE}.
 */

export interface HeapTimer {
  readonly at: number;
  readonly order: number;
  slot: number;
}

/** The slot of a timer that is in no heap. */
export const OUTSIDE = -1;

export class TimerHeap<T extends HeapTimer> {
  #timers: T[] = [];

  /** The next timer. */
  get first(): T | undefined {
    return this.#timers[0];
  }

  add(timer: T): void {
    this.#timers.push(timer);
    this.#rise(timer, this.#timers.length - 1);
  }

  /** Does nothing to a timer that is outside. */
  remove(timer: T): void {
    const { slot } = timer;
    if (slot === OUTSIDE) return;
    timer.slot = OUTSIDE;
    const last = this.#timers.pop();
    if (last === undefined || last === timer) return;
    this.#sink(last, slot);
    this.#rise(last, last.slot);
  }

  /** Removes all timers that `goes` names. */
  removeAll(goes: (timer: T) => boolean): void {
    const before = this.#timers;
    this.#timers = [];
    for (const timer of before) {
      if (goes(timer)) timer.slot = OUTSIDE;
      else this.add(timer);
    }
  }

  #rise(timer: T, from: number): void {
    let slot = from;
    while (slot > 0) {
      const above = (slot - 1) >> 1;
      const parent = this.#timers[above];
      if (parent === undefined || isBefore(parent, timer)) break;
      this.#put(parent, slot);
      slot = above;
    }
    this.#put(timer, slot);
  }

  #sink(timer: T, from: number): void {
    let slot = from;
    for (
      let next = this.#firstChild(slot);
      next !== undefined && isBefore(next, timer);
      next = this.#firstChild(slot)
    ) {
      const below = next.slot;
      this.#put(next, slot);
      slot = below;
    }
    this.#put(timer, slot);
  }

  #firstChild(slot: number): T | undefined {
    const left = this.#timers[2 * slot + 1];
    const right = this.#timers[2 * slot + 2];
    return left !== undefined && right !== undefined && isBefore(right, left) ? right : left;
  }

  #put(timer: T, slot: number): void {
    this.#timers[slot] = timer;
    timer.slot = slot;
  }
}

function isBefore(a: HeapTimer, b: HeapTimer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

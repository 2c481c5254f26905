/** Virtual time and seeded randomness: the same seed gives the same run, whatever the machine does. */
import { setImmediate } from 'node:timers/promises';

interface Due {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export class ModelClock {
  readonly #heap: Due[] = [];
  #now = 0;
  #order = 0;
  #state: number;

  constructor(seed: number) {
    this.#state = Math.imul(seed, 2_654_435_761) >>> 0;
  }

  get now(): number {
    return this.#now;
  }

  /** From 0 to below 1 (mulberry32). */
  random(): number {
    this.#state = (this.#state + 0x6d_2b_79_f5) >>> 0;
    const mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    const last = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((last ^ (last >>> 14)) >>> 0) / 2 ** 32;
  }

  after(ms: number, run: () => void): void {
    this.#push({ at: this.#now + ms, order: this.#order++, run });
  }

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** Runs until the given time, or until `isDone`. */
  async runUntil(end: number, isDone: () => boolean = () => false): Promise<void> {
    for (let next = this.#heap[0]; next !== undefined && next.at <= end && !isDone(); next = this.#heap[0]) {
      this.#pop();
      this.#now = next.at;
      next.run();
      await setImmediate(); // what it resolved runs before the next event
    }
  }

  #push(due: Due): void {
    const heap = this.#heap;
    let at = heap.push(due) - 1;
    for (let up = (at - 1) >> 1; at > 0 && isBefore(due, heap[up]!); at = up, up = (at - 1) >> 1) heap[at] = heap[up]!;
    heap[at] = due;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Due, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

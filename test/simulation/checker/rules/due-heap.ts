/** The pending steps of one type and priority, the earliest due first. Steps that are pending no more are dropped when they are met. */
import type { RowChange } from '../index/trails.js';

export class DueHeap {
  readonly #heap: RowChange[] = [];

  add(change: RowChange): void {
    const heap = this.#heap;
    let at = heap.push(change) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (dueAt(heap[parent]) <= dueAt(change)) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  /** The change that left the earliest step pending which still is, as `isCurrent` says. */
  first(isCurrent: (change: RowChange) => boolean): RowChange | undefined {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (isCurrent(first)) return first;
      this.#removeFirst();
    }
    return undefined;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    for (let at = 0; ;) {
      const left = 2 * at + 1;
      const child = dueAt(heap[left + 1]) < dueAt(heap[left]) ? left + 1 : left;
      if (dueAt(heap[child]) >= dueAt(heap[at])) return;
      this.#swap(at, child);
      at = child;
    }
  }

  #swap(one: number, other: number): void {
    const [a, b] = [this.#heap[one], this.#heap[other]];
    if (a === undefined || b === undefined) return;
    this.#heap[one] = b;
    this.#heap[other] = a;
  }
}

function dueAt(change: RowChange | undefined): number {
  return change?.after?.dueAt ?? Infinity;
}

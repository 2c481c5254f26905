/**
 * A list that stays sorted while its items come and go: a few hundred items to a chunk, so that a change moves few of them.
 *
 * Invariant: no two items compare as equal.
 */
const MOST = 512;

export class SortedList<T> {
  readonly #compare: (a: T, b: T) => number;
  readonly #chunks: T[][] = [];
  #size = 0;

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  get size(): number {
    return this.#size;
  }

  last(): T | undefined {
    const chunk = this.#chunks[this.#chunks.length - 1];
    return chunk?.[chunk.length - 1];
  }

  add(item: T): void {
    const at = Math.min(this.#chunkOf(item), this.#chunks.length - 1);
    const chunk = this.#chunks[at];
    this.#size++;
    if (chunk === undefined) {
      this.#chunks.push([item]);
      return;
    }
    chunk.splice(this.#placeIn(chunk, item), 0, item);
    if (chunk.length > MOST) this.#chunks.splice(at + 1, 0, chunk.splice(MOST / 2));
  }

  /** @returns whether it was there */
  delete(item: T): boolean {
    const at = this.#chunkOf(item);
    const chunk = this.#chunks[at];
    if (chunk === undefined) return false;
    const place = this.#placeIn(chunk, item);
    const found = chunk[place];
    if (found === undefined || this.#compare(found, item) !== 0) return false;
    chunk.splice(place, 1);
    if (chunk.length === 0) this.#chunks.splice(at, 1);
    this.#size--;
    return true;
  }

  /** How many items stand before the first for which `isBefore` does not hold. It holds for a head of the list only. */
  countWhile(isBefore: (item: T) => boolean): number {
    let count = 0;
    for (const chunk of this.#chunks) {
      const last = chunk[chunk.length - 1];
      if (last !== undefined && isBefore(last)) count += chunk.length;
      else return count + firstNot(chunk, isBefore);
    }
    return count;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (const chunk of this.#chunks) yield* chunk;
  }

  /** The items from the first for which `isBefore` does not hold. */
  *after(isBefore: (item: T) => boolean): Generator<T> {
    const at = firstNot(this.#chunks, (chunk) => isBefore(chunk[chunk.length - 1] as T));
    const first = this.#chunks[at];
    if (first === undefined) return;
    for (let i = firstNot(first, isBefore); i < first.length; i++) yield first[i] as T;
    for (let more = at + 1; more < this.#chunks.length; more++) yield* this.#chunks[more] ?? [];
  }

  *backwards(): Generator<T> {
    for (let at = this.#chunks.length - 1; at >= 0; at--) {
      const chunk = this.#chunks[at] ?? [];
      for (let i = chunk.length - 1; i >= 0; i--) yield chunk[i] as T;
    }
  }

  #chunkOf(item: T): number {
    return firstNot(this.#chunks, (chunk) => this.#compare(chunk[chunk.length - 1] as T, item) < 0);
  }

  #placeIn(chunk: readonly T[], item: T): number {
    return firstNot(chunk, (other) => this.#compare(other, item) < 0);
  }
}

/** The first index at which `holds` does not; the length if it does everywhere. */
export function firstNot<T>(items: readonly T[], holds: (item: T) => boolean): number {
  let [from, to] = [0, items.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (holds(items[middle] as T)) from = middle + 1;
    else to = middle;
  }
  return from;
}

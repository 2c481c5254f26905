/** Repeatable random numbers: the same seed gives the same numbers (mulberry32). */
export class Random {
  #state: number;

  /** @param seed numbers and names; all of them count */
  constructor(...seed: readonly (number | string)[]) {
    this.#state = 0x9e3779b9;
    for (const char of seed.join('/')) {
      this.#state = Math.imul(this.#state ^ char.charCodeAt(0), 0x01000193);
      this.next();
    }
  }

  /** 0 <= n < 1 */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let n = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    n = (n + Math.imul(n ^ (n >>> 7), 61 | n)) ^ n;
    return ((n ^ (n >>> 14)) >>> 0) / 4_294_967_296;
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  /** An integer; both bounds are included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.next() * list.length)]!;
  }

  /** One of the names, with a probability in proportion to its weight. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const names = Object.keys(weights) as K[];
    let rest = this.next() * names.reduce((sum, name) => sum + weights[name], 0);
    return names.find((name) => (rest -= weights[name]) < 0) ?? names.at(-1)!;
  }
}

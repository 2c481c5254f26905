/** A seeded source of random numbers for tests of the modelled warehouse. */
export interface Seeded {
  /** 0 to below `most`. */
  upTo(most: number): number;
  pick<T>(all: readonly T[]): T;
}

/** Mulberry32. */
export function seeded(seed: number): Seeded {
  let state = seed;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const upTo = (most: number): number => Math.floor(next() * most);
  return {
    upTo,
    pick: (all) => {
      if (all.length === 0) throw new RangeError('nothing to pick from');
      return all[upTo(all.length)] as (typeof all)[number];
    },
  };
}

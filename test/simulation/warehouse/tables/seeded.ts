/** A seeded source of random numbers for tests of the modelled warehouse. */
import { mulberry32 } from '../../../../src/runtime/mulberry32.js';

export interface Seeded {
  /** 0 to below `most`. */
  upTo(most: number): number;
  pick<T>(all: readonly T[]): T;
}

export function seeded(seed: number): Seeded {
  const next = mulberry32(seed);
  const upTo = (most: number): number => Math.floor(next() * most);
  return {
    upTo,
    pick: (all) => {
      if (all.length === 0) throw new RangeError('nothing to pick from');
      return all[upTo(all.length)] as (typeof all)[number];
    },
  };
}

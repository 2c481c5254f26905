/** Choices by a seed. */
import { mulberry32 } from '../../../src/runtime/mulberry32.js';

export interface Random {
  /** `0 <= n < 1`. */
  next(): number;
  /** A whole number from `least` to `most`, both included. */
  whole(least: number, most: number): number;
  chance(probability: number): boolean;
  pick<const T>(from: readonly T[]): T;
  /** One of the values, by their weights. */
  weighted<T>(from: readonly (readonly [T, number])[]): T;
}

export function seededRandom(seed: number): Random {
  const next = mulberry32(Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b));
  const whole = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1));
  return {
    next,
    whole,
    chance: (probability) => next() < probability,
    pick: (from) => from[whole(0, from.length - 1)]!,
    weighted: (from) => {
      let left = next() * from.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [value, weight] of from) if ((left -= weight) < 0) return value;
      return from.at(-1)![0];
    },
  };
}

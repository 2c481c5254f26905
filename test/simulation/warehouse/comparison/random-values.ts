/** Random values for the rows of a state: few of each, so that rows meet; and instants about the edges of the windows. */
import type { Random } from '../../../chaos/random.js';

/** The windows of the statements, in ms: rows are dated about their edges. */
export const WINDOWS = {
  /** A pod's dead-after. */
  dead: 2_000,
  /** Of requests, and the age from which a claim of an unknown holder counts. */
  minute: 60_000,
  /** Of logged requests and signs that a newer one replaces. */
  request: 300_000,
  /** How long a step that has ended stays in the hot table. */
  hot: 900_000,
  /** How long a step stays in the archive, and a pod in the log. */
  keep: 3_600_000,
  /** How long a pod sleeps at most. */
  asleep: 7_200_000,
} as const;

const EDGES: readonly number[] = [0, ...Object.values(WINDOWS)];

/** An instant in the past: about the edge of a window, or anywhere. */
export function past(random: Random, now: number): number {
  if (random.chance(0.4)) return now - random.pick(EDGES) + random.between(-1, 1);
  return now - random.between(0, random.pick([1_000, 100_000, 1_000_000, 10_000_000]));
}

/** An instant in the past, or sometimes in the future. */
export function about(random: Random, now: number): number {
  if (random.chance(0.8)) return past(random, now);
  return now + random.pick([1, 1_000, 59_999, 60_000, 60_001, 3_600_000]);
}

const numbered = (letter: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, n) => `${letter}${n}`);

export const STEP_IDS = numbered('step-', 40);
export const TOKENS = numbered('token-', 12);
export const INCARNATIONS = numbered('life-', 14);
export const TYPES: readonly string[] = ['resize', 'mail', 'Mail', 'import', '5'];
export const STATUSES: readonly string[] = ['pending', 'claimed', 'completed', 'failed', 'cancelled'];

/** Two incarnations of each pod. */
export const podOf = (incarnation: string): string => `pod-${Number(incarnation.slice('life-'.length)) % 7}`;

/** A value, or rarely `null`. */
export const maybe = <T>(random: Random, value: T, nullShare = 0.1): T | null =>
  random.chance(nullShare) ? null : value;

/** Some of a list, in another order, perhaps one twice. */
export function some<T>(random: Random, list: readonly T[], most: number): readonly T[] {
  return list.length === 0 ? [] : Array.from({ length: random.between(0, most) }, () => random.pick(list));
}

/** A number of steps: small, and rarely one that is out of bounds. */
export function count(random: Random): number {
  if (random.chance(0.03)) return random.pick([-1, 9_007_199_254_740_000, 9_007_199_254_740_001]);
  return random.pick([0, 0, 0, 0, 1, 1, 2, 2, 3]);
}

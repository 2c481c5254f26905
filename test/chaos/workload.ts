/**
 * The workload: the types of steps, and how each must end.
 *
 * | type     | its handler                                                                        |
 * | -------- | ---------------------------------------------------------------------------------- |
 * | `quick`  | returns at once, synchronously                                                     |
 * | `sized`  | waits a little and returns a text of `size` characters                             |
 * | `flaky`  | throws in its first `failures` attempts, every other time `RetryLaterError`             |
 * | `doomed` | throws `PermanentFailureError`                                                          |
 * | `odd`    | returns what JSON cannot carry                                                     |
 * | `slow`   | waits `ms`, less with each attempt; times out if that is too long                  |
 * | `deaf`   | the same, and ignores its signal                                                   |
 * | `shy`    | releases itself now and then                                                       |
 * | `single` | one at a time on each pod                                                          |
 * | `long`   | takes seconds, so that a pod that resumes finds its steps taken by others            |
 * | `heavy`  | keeps the event loop for `ms`                                                      |
 */
import type { Random } from './random.js';

/** The args of every step: its submitter, its number, and what its handler must do. */
export interface Args {
  readonly origin: string;
  readonly n: number;
  readonly size?: number;
  readonly failures?: number;
  readonly ms?: number;
  /** A second submission under the same key, with other args. */
  readonly other?: boolean;
}

/** What every handler returns. */
export interface Result {
  readonly run: string;
  readonly n: number;
  readonly text: string;
}

export type StepType =
  'quick' | 'sized' | 'flaky' | 'doomed' | 'odd' | 'slow' | 'deaf' | 'shy' | 'single' | 'long' | 'heavy';

/** A step as it is submitted. */
export interface Work {
  readonly type: StepType;
  readonly args: Args;
  readonly metadata: { readonly origin: string };
  readonly priority: number;
  readonly maxRetries: number;
  readonly delayMs: number;
}

const MIX: Readonly<Record<StepType, number>> = {
  ...{ quick: 30, sized: 30, flaky: 14, doomed: 2, odd: 1, slow: 8, deaf: 2, shy: 6, single: 5, long: 7, heavy: 0.4 },
};

/** Of `slow` and `deaf`. */
export const TIMEOUT_MS = 150;
export const ABORT_GRACE_MS = 200;

export function draw(random: Random, origin: string, n: number): Work {
  const type = random.weighted(MIX);
  return {
    type,
    args: { origin, n, ...details(type, random) },
    metadata: { origin },
    priority: random.chance(0.3) ? random.between(-3, 3) : 0,
    maxRetries: random.between(0, 4),
    delayMs: random.chance(0.2) ? random.between(1, 2_500) : 0,
  };
}

function details(type: StepType, random: Random): Omit<Args, 'origin' | 'n'> {
  switch (type) {
    case 'sized':
      return {
        size: random.chance(0.05) ? random.between(10_000, 150_000) : random.between(0, 2_000),
        ms: random.between(0, 25),
      };
    case 'flaky':
      return { failures: random.between(1, 5) };
    case 'slow':
      return { ms: random.between(20, 500) };
    case 'deaf':
      return { ms: random.between(100, 900) };
    case 'shy':
    case 'single':
      return { ms: random.between(1, 25) };
    case 'long':
      return { ms: random.between(1_500, 4_500) };
    case 'heavy':
      return { ms: random.between(30, 900) };
    default:
      return {};
  }
}

/** A text of the given number of characters. Some have more than one byte. */
export const textOf = (size = 0): string => 'fleet-q ✓ '.repeat(Math.ceil(size / 10)).slice(0, size);

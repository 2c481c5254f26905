/** The options of a test fleet, their defaults and checks. */
import { ValidationError } from '../errors.js';
import { boolean, checkFields, expecting, instant, integer, positiveMilliseconds } from '../input/field-checks.js';
import { givenOptions, OPTION_TABLE, type FleetQOptions } from '../options.js';
import { hostWallMs } from '../runtime/runtime.js';

/**
 * The options of {@link testFleet}: those of `new FleetQ`, for every pod, and those of the test. The fleet has its own
 * store, clocks and names of pods.
 */
export interface TestFleetOptions extends Omit<FleetQOptions, 'store' | 'runtime' | 'podId' | 'steps'> {
  /** How many pods the fleet has: 1 to 100. More can be added. Default 1. */
  readonly pods?: number;
  /** Where the fleet's clock starts: a Date or epoch ms. Default: `Date.now()`, also if the test has replaced it. */
  readonly now?: Date | number;
  /** The seed of all randomness, such as the jitter of retries; a whole number. Default 1. */
  readonly seed?: number;
  /**
   * Whether time in which nothing is due is skipped: a month costs as much as a second. Default `true`. With `false` the
   * pods live through it, with every heartbeat.
   */
  readonly skipIdleTime?: boolean;
  /**
   * Called before the clock moves, with its new time in epoch ms. It may return a promise. For the fake clock of the test
   * runner, so that `Date.now()` in handlers agrees: `onTime: (now) => vi.setSystemTime(now)`.
   */
  readonly onTime?: (now: number) => unknown;
  /**
   * How long a handler may run while the clock stands still, in ms of real time. Then the call that moves time fails.
   * Default 3,000.
   */
  readonly realTimeoutMs?: number;
  /** How many calls of handlers one movement of time may take, so that an endless loop ends. Default 10,000. */
  readonly maxRuns?: number;
}

export interface ResolvedFleetOptions {
  readonly pods: number;
  readonly now: number;
  readonly seed: number;
  readonly skipIdleTime: boolean;
  readonly onTime: ((now: number) => unknown) | undefined;
  readonly realTimeoutMs: number;
  readonly maxRuns: number;
  /** Those of every pod. */
  readonly queue: FleetQOptions;
}

const OWN = {
  pods: integer(1, 100),
  now: instant,
  seed: integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  skipIdleTime: boolean,
  onTime: expecting('a function', (value) => typeof value === 'function'),
  realTimeoutMs: positiveMilliseconds,
  maxRuns: integer(1, 1_000_000_000),
};
const REFUSED = ['store', 'runtime', 'podId'] as const;
const ALL = { ...Object.fromEntries(Object.entries(OPTION_TABLE).map(([key, { check }]) => [key, check])), ...OWN };

/** @throws ValidationError `OPTION_INVALID` */
export function resolveFleetOptions(options: unknown): ResolvedFleetOptions {
  checkFields(options, ALL, 'OPTION_INVALID', 'options');
  const given = options as TestFleetOptions & FleetQOptions;
  const refused = REFUSED.find((key) => given[key] !== undefined);
  if (refused !== undefined)
    throw new ValidationError('OPTION_INVALID', `options.${refused}`, 'is not taken: a test fleet has its own');
  const { pods = 1, now = hostWallMs(), seed = 1, skipIdleTime = true } = given;
  const { onTime, realTimeoutMs = 3_000, maxRuns = 10_000 } = given;
  const queue = Object.fromEntries(Object.keys(OPTION_TABLE).map((key) => [key, given[key as keyof FleetQOptions]]));
  return {
    ...{ pods, now: Number(now), seed, skipIdleTime, onTime, realTimeoutMs, maxRuns },
    queue: givenOptions(queue),
  };
}

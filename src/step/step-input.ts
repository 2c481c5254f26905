/** A step as a caller submits it. */
import type { Metadata } from './step.js';

/** How a step is submitted. */
export interface SubmitOptions {
  /** Travels with the step, and is never interpreted. JSON. */
  readonly metadata?: Metadata;
  /** Higher runs first; a whole number from −1,000,000,000 to 1,000,000,000. Default 0. */
  readonly priority?: number;
  /** How often a failed attempt is retried. Default: the step type's, else the queue's, 3. */
  readonly maxRetries?: number;
  /**
   * Not before this instant of the real world (a `Date` or epoch ms), even if the host's wall clock is corrected
   * meanwhile. An instant that was computed from a wrong clock is wrong: for "in a minute" use `delayMs`. Not together
   * with it.
   */
  readonly runAt?: Date | number;
  /**
   * Not before this time has passed, in ms, by the store's clock, which no change of a wall clock affects. On SQLite, time
   * in which the host is suspended does not count. Not together with `runAt`.
   */
  readonly delayMs?: number;
  /** Steps of one type and key are one step, as long as it is kept. Not together with `stepId`. */
  readonly idempotencyKey?: string;
  /** The step's id, if you want to choose it. Default: a time-ordered UUID. */
  readonly stepId?: string;
}

/** A step as a caller submits it. */
export interface StepInput<T extends string = string, A = unknown> extends SubmitOptions {
  readonly type: T;
  readonly args?: A;
}

/** Default intervals of a pod on Snowflake. */
import type { Rhythm } from '../contract.js';

/** A statement takes about 300 ms of a client's time, and a warehouse that is asked all the time never suspends. */
export const DEFAULT_INTERVALS: Rhythm = Object.freeze({
  heartbeatIntervalMs: 30_000,
  deadAfterMs: 180_000,
  recoveryIntervalMs: 300_000,
  claimIntervalMs: 1_000,
  idleIntervalMs: 5_000,
  waitIntervalMs: 2_000,
  submitBatch: 1_000,
});

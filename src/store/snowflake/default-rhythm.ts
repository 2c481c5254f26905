/** The default intervals of a pod on Snowflake. */
import type { Rhythm } from '../contract.js';

/** They are long, because a statement takes a client about 300 ms, and a warehouse that is queried all the time never suspends. */
export const DEFAULT_RHYTHM = Object.freeze({
  heartbeatIntervalMs: 30_000,
  deadAfterMs: 180_000,
  recoveryIntervalMs: 300_000,
  claimIntervalMs: 1_000,
  idleIntervalMs: 5_000,
  waitIntervalMs: 2_000,
  submitBatch: 1_000,
  heartbeatPerPodMs: 440,
}) satisfies Rhythm;

/** The default intervals of SQLite, where a call takes well under a millisecond and costs nothing. */
import type { Rhythm } from '../contract.js';

export const DEFAULT_RHYTHM: Rhythm = Object.freeze({
  heartbeatIntervalMs: 2_000,
  deadAfterMs: 15_000,
  recoveryIntervalMs: 5_000,
  claimIntervalMs: 100,
  idleIntervalMs: 1_000,
  waitIntervalMs: 100,
  submitBatch: 500,
});

/** The columns of a step that nobody has claimed yet. */
import type { StepRow } from '../tables.js';

export const UNTOUCHED = {
  status: 'pending',
  claimed_by: null,
  retry_count: 0,
  version: 0,
  crashes: 0,
  claim_token: null,
  claimed_incarnation: null,
  claimed_ts: null,
  settled_token: null,
  settled_version: null,
  settled_by: null,
  earlier_settlements: null,
  result: null,
  error: null,
} as const satisfies Partial<StepRow>;

/** A store that does nothing wrong by itself, and that answers at once. */
import type { Hazards } from './plan.js';

export const NO_HAZARDS: Hazards = {
  ...{ latencyMs: 0, lostReply: 0, failure: 0, lateApplication: 0, duplicate: 0 },
  ...{ lateReadMs: 0, oldSources: false, tokenLateMs: 0, suspendAfterMs: 0 },
};

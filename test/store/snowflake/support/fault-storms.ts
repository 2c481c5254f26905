/** Every fault of the network and of Snowflake, each at the same rate of the requests that it can hit. */
import type { Aim, Fault, Faults } from '../../../support/warehouse/faults.js';
import { refusals } from '../../../support/warehouse/wire-replies.js';

/** How long a statement may be on its way that lands late: longer than its client waits. */
export const LATE_MS = 2_000;

const LOCKING: Aim = { kinds: ['update', 'delete', 'merge'] };
const WRITING: Aim = { kinds: ['insert', 'update', 'delete', 'merge'] };
export const SUBMISSION = /^INSERT INTO \S*STEP_TRACKER\b/;
const STORM: Aim = { inARow: 4 };

/** By name. An UPDATE may meet sixteen of them, so that rates up to 6 % can be had of all at once. */
export const STORMS: Readonly<Record<string, readonly [Fault, Aim]>> = {
  'too many waiters': [{ kind: 'refused', refusal: refusals.tooManyWaiters('T', 20) }, WRITING],
  'lock time-out': [{ kind: 'refused', refusal: refusals.lockTimeout('T') }, LOCKING],
  deadlock: [{ kind: 'refused', refusal: refusals.deadlock('T') }, LOCKING],
  cancelled: [{ kind: 'refused', refusal: refusals.cancelled() }, {}],
  'token expired (390112)': [{ kind: 'expired' }, {}],
  'session gone (390111)': [{ kind: 'gone' }, {}],
  'token unknown (401, 390104)': [{ kind: 'invalid' }, {}],
  '429 storm': [{ kind: 'status', status: 429 }, STORM],
  '503 storm': [{ kind: 'status', status: 503 }, STORM],
  'cut before it ran': [{ kind: 'cut' }, {}],
  'cut after it ran': [{ kind: 'lost' }, {}],
  'delivered twice': [{ kind: 'twice' }, {}],
  'run twice': [{ kind: 'rerun' }, WRITING],
  'lands late': [{ kind: 'late', afterMs: LATE_MS, unanswered: true }, WRITING],
  'slow (333333)': [{ kind: 'slow', ms: 50 }, {}],
  'never answered': [{ kind: 'hang' }, {}],
  'login 503': [{ kind: 'status', status: 503 }, { route: 'login' }],
  'login refused': [{ kind: 'refused', refusal: refusals.masterExpired() }, { route: 'login' }],
  'result cut': [{ kind: 'cut' }, { route: 'result' }],
};

/** The next submissions make two rows of each step. By chance alone, one run in three would have none. */
export function submitTwice(faults: Faults, times: number): void {
  faults.inject({ kind: 'rerun' }, { kinds: ['insert'], text: SUBMISSION, times, name: 'submitted twice' });
}

/** Lets them all happen: each meets so large a share of the requests that it is for. */
export function unleash(faults: Faults, rate: number): void {
  for (const [name, [fault, aim]] of Object.entries(STORMS))
    faults.inject(fault, { ...aim, name, rate: rate / (aim.inARow ?? 1) });
}

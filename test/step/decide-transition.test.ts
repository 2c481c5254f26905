import { describe, expect, it } from 'vitest';
import type { SerializedError } from '../../src/step/serialized-error.js';
import { DEFAULT_RETRY } from '../../src/step/retry.js';
import { decide, type Outcome, type Transition } from '../../src/step/decide-transition.js';

const RULES = { retry: DEFAULT_RETRY, maxCrashes: 3 };
const BOOM: SerializedError = { name: 'Error', message: 'boom' };
const TIMED_OUT = { name: 'FleetQError', message: 'the handler took longer than 30 ms', code: 'STEP_TIMED_OUT' };
const crashed = (pods: number) => ({
  name: 'FleetQError',
  message: `${pods} pods died while they held the step`,
  code: 'STEP_CRASHED_POD',
});

const NOTHING = { delayMs: null, charge: 0, crash: 0, result: null, error: null } as const;

const failed = (retry: (Outcome & { kind: 'failed' })['retry']): Outcome => ({ kind: 'failed', error: BOOM, retry });

const orphaned = (evicted: boolean, alone: boolean): Outcome => ({ kind: 'orphaned', evicted, alone });

/** name, retryCount, crashes (of a step with maxRetries 3), outcome, next state; chance always draws a half. */
const TABLE: [string, number, number, Outcome, Partial<Transition>][] = [
  ['a result', 0, 0, { kind: 'succeeded', result: '{"rows":1}' }, { status: 'completed', result: '{"rows":1}' }],
  ['no result', 3, 3, { kind: 'succeeded', result: null }, { status: 'completed' }],

  [
    'a first failure',
    0,
    0,
    failed('policy'),
    { status: 'pending', delayMs: 500, charge: 1, error: JSON.stringify(BOOM) },
  ],
  [
    'a second failure',
    1,
    0,
    failed('policy'),
    { status: 'pending', delayMs: 1_000, charge: 1, error: JSON.stringify(BOOM) },
  ],
  [
    'the last failure but one',
    2,
    0,
    failed('policy'),
    { status: 'pending', delayMs: 2_000, charge: 1, error: JSON.stringify(BOOM) },
  ],
  ['the last failure', 3, 0, failed('policy'), { status: 'failed', error: JSON.stringify(BOOM) }],
  ['a failure beyond the last', 9, 0, failed('policy'), { status: 'failed', error: JSON.stringify(BOOM) }],
  ['a permanent failure', 0, 0, failed('never'), { status: 'failed', error: JSON.stringify(BOOM) }],
  [
    'a retry at a time of its own',
    0,
    0,
    failed({ delayMs: 77 }),
    { status: 'pending', delayMs: 77, charge: 1, error: JSON.stringify(BOOM) },
  ],
  [
    'a retry at once',
    2,
    0,
    failed({ delayMs: 0 }),
    { status: 'pending', delayMs: 0, charge: 1, error: JSON.stringify(BOOM) },
  ],
  [
    'a retry later than any store can represent',
    0,
    0,
    failed({ delayMs: Number.MAX_VALUE }),
    { status: 'pending', delayMs: 3_155_760_000_000, charge: 1, error: JSON.stringify(BOOM) },
  ],
  [
    'a retry later with no retry left',
    3,
    0,
    failed({ delayMs: 77 }),
    { status: 'failed', error: JSON.stringify(BOOM) },
  ],

  [
    'a time-out',
    1,
    0,
    { kind: 'timedOut', timeoutMs: 30 },
    { status: 'pending', delayMs: 1_000, charge: 1, error: JSON.stringify(TIMED_OUT) },
  ],
  [
    'the last time-out',
    3,
    0,
    { kind: 'timedOut', timeoutMs: 30 },
    { status: 'failed', error: JSON.stringify(TIMED_OUT) },
  ],

  ['a cancel', 2, 2, { kind: 'cancelled' }, { status: 'cancelled' }],

  ['a release', 3, 0, { kind: 'released', delayMs: 5_000, reason: 'handler' }, { status: 'pending', delayMs: 5_000 }],
  ['a release without a delay', 0, 0, { kind: 'released', delayMs: 0, reason: 'unstarted' }, { status: 'pending' }],
  ['a release by a stop', 0, 2, { kind: 'released', delayMs: 0, reason: 'stopping' }, { status: 'pending' }],

  ['an orphan of a pod that left', 3, 3, orphaned(false, true), { status: 'pending' }],
  ['a first crash', 3, 0, orphaned(true, false), { status: 'pending', crash: 1 }],
  ['a second crash', 3, 1, orphaned(true, false), { status: 'pending', crash: 1 }],
  ['a third crash in company: it was not started', 0, 2, orphaned(true, false), { status: 'pending' }],
  ['a fourth crash in company: it was not started', 0, 3, orphaned(true, false), { status: 'pending' }],
  ['a third crash, alone', 0, 2, orphaned(true, true), { status: 'pending', crash: 1 }],
  [
    'a fourth crash, alone',
    0,
    3,
    orphaned(true, true),
    { status: 'failed', crash: 1, error: JSON.stringify(crashed(4)) },
  ],
];

describe('the next state of a claim', () => {
  it.each(TABLE)('%s (retryCount %i, crashes %i)', (_name, retryCount, crashes, outcome, expected) => {
    const claim = { stepId: 's', retryCount, crashes, maxRetries: 3 };
    expect(decide(claim, outcome, RULES, () => 0.5)).toEqual({ ...NOTHING, ...expected });
  });

  it('is failed at the first failure if no retries are allowed', () => {
    const claim = { stepId: 's', retryCount: 0, crashes: 0, maxRetries: 0 };
    expect(decide(claim, failed('policy'), RULES, () => 0.5)).toEqual({
      ...NOTHING,
      status: 'failed',
      error: JSON.stringify(BOOM),
    });
  });

  it.each([0, 1, 2])('is failed at the third crash if %i crashes are allowed and it was alone', (maxCrashes) => {
    const rules = { ...RULES, maxCrashes };
    const next = (crashes: number, alone: boolean) =>
      decide({ stepId: 's', retryCount: 0, crashes, maxRetries: 3 }, orphaned(true, alone), rules, () => 0.5);
    for (const crashes of [0, 1]) {
      for (const alone of [true, false]) expect(next(crashes, alone)).toMatchObject({ status: 'pending', crash: 1 });
    }
    expect(next(2, false)).toMatchObject({ status: 'pending', crash: 0 });
    expect(next(2, true)).toMatchObject({ status: 'failed', crash: 1 });
  });

  it('three retries are four charged runs, and the fourth failure is the last', () => {
    let retryCount = 0;
    for (let runs = 1; ; runs++) {
      const next = decide({ stepId: 's', retryCount, crashes: 0, maxRetries: 3 }, failed('policy'), RULES, () => 0);
      retryCount += next.charge;
      if (next.status !== 'failed') continue;
      expect(runs).toBe(4);
      return;
    }
  });

  it('uses a random number only for a retry by policy', () => {
    const none = () => expect.unreachable();
    const claim = { stepId: 's', retryCount: 0, crashes: 0, maxRetries: 3 };
    for (const [, , , outcome] of TABLE) {
      const byPolicy = outcome.kind === 'timedOut' || (outcome.kind === 'failed' && outcome.retry === 'policy');
      if (!byPolicy) decide(claim, outcome, RULES, none);
    }
  });
});

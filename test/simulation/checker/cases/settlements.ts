/** Who ends a claim, and what is charged. */
import type { Case } from './case.js';
import type { HistoryBuilder } from './history-builder.js';

const claimed = (h: HistoryBuilder): HistoryBuilder => h.pod('p1').pod('p2').submitted('s1').claimed('s1', 'p1');
const running = (h: HistoryBuilder): HistoryBuilder => claimed(h).began('s1', 'p1').after(10);
/** p1 dies while it holds the step, and p2 evicts it. */
const orphaned = (h: HistoryBuilder): HistoryBuilder =>
  running(h).killed('p1').after(5_000).member('p1', 'evicted', 'p2');

export const SETTLEMENT_CASES: readonly Case[] = [
  {
    rule: 'only the holder settles',
    shows: 'a step that another pod completes',
    good: (h) => running(h).completed('s1', 'p1'),
    broken: (h) => running(h).ended('s1').settled('s1', 'p2', { status: 'completed' }),
  },
  {
    rule: 'only the holder settles',
    shows: 'a recovery from a holder that is only silent',
    good: (h) => orphaned(h).recovered('s1', 'p2'),
    broken: (h) => running(h).after(5_000).recovered('s1', 'p2', 0),
  },
  {
    rule: 'only the holder settles',
    shows: 'a settlement by nobody',
    good: (h) => running(h).cancelled('s1'),
    broken: (h) => running(h).change('s1', { status: 'failed', claimToken: null, settledBy: 'somebody' }),
  },
  {
    rule: 'only the holder settles',
    shows: 'a recovery that completes a step',
    good: (h) => claimed(h).leaves('p1').recovered('s1', 'p2', 0),
    broken: (h) => orphaned(h).ended('s1').settled('s1', 'p2', { status: 'completed' }),
  },
  {
    rule: 'an end follows a run',
    shows: 'a step that is completed while its handler runs',
    good: (h) => running(h).completed('s1', 'p1'),
    broken: (h) => running(h).settled('s1', 'p1', { status: 'completed' }),
  },
  {
    rule: 'an end follows a run',
    shows: 'a new claim that an old settlement completes',
    good: (h) => running(h).ended('s1', 'released').released('s1', 'p1').done('s1', 'p1'),
    broken: (h) =>
      running(h).ended('s1').released('s1', 'p1').claimed('s1', 'p1').settled('s1', 'p1', { status: 'completed' }),
  },
  {
    rule: 'an end follows a run',
    shows: 'a claim that is given back while its handler runs',
    good: (h) => running(h).fenced('p1', 'silent').released('s1', 'p1').ended('s1', 'threw', true),
    broken: (h) => running(h).released('s1', 'p1').ended('s1'),
  },
  {
    rule: 'an end follows a run',
    shows: 'a step that fails without a run',
    good: (h) =>
      running(h)
        .ended('s1', 'threw')
        .settled('s1', 'p1', { status: 'failed' })
        .event('p1', 'step:failed', { attempt: 1 }, 's1'),
    broken: (h) => claimed(h).settled('s1', 'p1', { status: 'failed' }),
  },
  {
    rule: 'an end follows a run',
    shows: 'a step that fails without a run, and for another reason than its args',
    good: (h) => claimed(h).settled('s1', 'p1', { status: 'failed', errorCode: 'STEP_ARGS_MISMATCH' }),
    broken: (h) => claimed(h).settled('s1', 'p1', { status: 'failed', errorCode: 'RESULT_TOO_LARGE' }),
  },
  {
    rule: 'a change by hand was asked for',
    shows: 'a step that is cancelled, and nobody called cancel',
    good: (h) => running(h).cancelled('s1'),
    broken: (h) => running(h).settled('s1', 'a token', { status: 'cancelled' }),
  },
  {
    rule: 'a change by hand was asked for',
    shows: 'a step that its holder cancels',
    good: (h) => running(h).cancelled('s1').ended('s1', 'threw', true),
    broken: (h) =>
      running(h).cancelled('s1').retried('s1').claimed('s1', 'p1').settled('s1', 'p1', { status: 'cancelled' }),
  },
  {
    rule: 'a change by hand was asked for',
    shows: 'a cancelled step that is pending again by itself',
    good: (h) => claimed(h).cancelled('s1').retried('s1'),
    broken: (h) => claimed(h).cancelled('s1').change('s1', { status: 'pending' }),
  },
  {
    rule: 'counts rise by one',
    shows: 'a claim that raises the retries',
    good: (h) => running(h).retrying('s1', 'p1').claimed('s1', 'p1'),
    broken: (h) => h.pod('p1').submitted('s1').claimed('s1', 'p1', { retryCount: 1 }),
  },
  {
    rule: 'counts rise by one',
    shows: 'a settlement that charges twice',
    good: (h) => running(h).retrying('s1', 'p1'),
    broken: (h) => running(h).ended('s1', 'threw').settled('s1', 'p1', { status: 'pending', retryCount: 2 }),
  },
  {
    rule: 'counts rise by one',
    shows: 'a retry by hand that keeps the counts',
    good: (h) => running(h).retrying('s1', 'p1').cancelled('s1').retried('s1'),
    broken: (h) =>
      running(h)
        .retrying('s1', 'p1')
        .cancelled('s1')
        .call('retry', 'p1', () => h.change('s1', { status: 'pending' }), { asked: { stepId: 's1' } }),
  },
  {
    rule: 'retries within bounds',
    shows: 'a step that is retried more often than it may',
    good: (h) =>
      h.pod('p1').submitted('s1', { maxRetries: 1 }).claimed('s1', 'p1').began('s1', 'p1').retrying('s1', 'p1'),
    broken: (h) =>
      h.pod('p1').submitted('s1', { maxRetries: 0 }).claimed('s1', 'p1').began('s1', 'p1').retrying('s1', 'p1'),
  },
  {
    rule: 'a retry is charged for a failure',
    shows: 'a release that is charged',
    good: (h) => running(h).ended('s1', 'released').released('s1', 'p1'),
    broken: (h) => running(h).ended('s1', 'released').settled('s1', 'p1', { status: 'pending', retryCount: 1 }),
  },
  {
    rule: 'a retry is charged for a failure',
    shows: 'a claim that is charged without a run',
    good: (h) => claimed(h).released('s1', 'p1'),
    broken: (h) => claimed(h).settled('s1', 'p1', { status: 'pending', retryCount: 1 }),
  },
  {
    rule: 'a retry is charged for a failure',
    shows: 'a failure that is not charged',
    good: (h) => running(h).retrying('s1', 'p1'),
    broken: (h) => running(h).ended('s1', 'threw').released('s1', 'p1'),
  },
  {
    rule: 'a retry is charged for a failure',
    shows: 'a recovery that charges a retry',
    good: (h) => orphaned(h).recovered('s1', 'p2'),
    broken: (h) => orphaned(h).settled('s1', 'p2', { status: 'pending', retryCount: 1 }),
  },
  {
    rule: 'a crash is charged for a death',
    shows: 'a crash for a pod that has left',
    good: (h) => claimed(h).leaves('p1').recovered('s1', 'p2', 0),
    broken: (h) => claimed(h).leaves('p1').recovered('s1', 'p2', 1),
  },
  {
    rule: 'a crash is charged for a death',
    shows: 'a death that is not charged',
    good: (h) => orphaned(h).recovered('s1', 'p2', 1),
    broken: (h) => orphaned(h).recovered('s1', 'p2', 0),
  },
  {
    rule: 'a crash is charged for a death',
    shows: 'a holder that charges a crash',
    good: (h) => running(h).completed('s1', 'p1'),
    broken: (h) => running(h).settled('s1', 'p1', { status: 'pending', crashes: 1 }),
  },
  {
    rule: 'crashes within bounds',
    shows: 'a step that is claimed after too many crashes',
    bounds: { maxCrashes: 1 },
    good: (h) => orphaned(h).recovered('s1', 'p2').claimed('s1', 'p2'),
    broken: (h) => h.pod('p1').row('s1').change('s1', { crashes: 2 }).claimed('s1', 'p1'),
  },
  {
    rule: 'crashes within bounds',
    shows: 'a step that fails for crashes below the limit',
    bounds: { maxCrashes: 0 },
    good: (h) =>
      orphaned(h)
        .settled('s1', 'p2', { status: 'failed', crashes: 1, errorCode: 'STEP_CRASHED_POD' })
        .event('p2', 'step:failed', { attempt: 1 }, 's1'),
    broken: (h) => claimed(h).settled('s1', 'p1', { status: 'failed', errorCode: 'STEP_CRASHED_POD' }),
  },
];

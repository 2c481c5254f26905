/** What is announced to listeners and answered to callers. */
import type { Case } from './case.js';
import type { HistoryBuilder } from './history-builder.js';

const begun = (h: HistoryBuilder): HistoryBuilder => h.pod('p1').pod('p2').submitted('s1');
const running = (h: HistoryBuilder): HistoryBuilder => begun(h).claimed('s1', 'p1').began('s1', 'p1').after(10);
/** A wait for a step that goes on, which ends like this. */
const waits = (h: HistoryBuilder, details: object, error: string, ms: number): HistoryBuilder =>
  running(h).call('waitFor', 'client', () => h.after(ms), {
    asked: { stepId: 's1', details: { ...details } },
    told: { error },
  });
const misused = (h: HistoryBuilder, error: string): HistoryBuilder =>
  h.call('misuse', 'p1', undefined, { asked: { details: { expects: 'STEP_INVALID' } }, told: { error } });
const shown = (version: number): { told: { answer: unknown } } => ({
  told: { answer: { status: 'pending', version, retryCount: 0 } },
});

/** A claim whose holder never learns of it. */
const unknown = (h: HistoryBuilder): HistoryBuilder =>
  h
    .pod('p1')
    .submitted('s1')
    .change('s1', { status: 'claimed', claimToken: 't', claimedIncarnation: h.incarnationOf('p1') });

/** The step is to be retried, and p1 has not read its receipt. */
const givenBack = (h: HistoryBuilder): HistoryBuilder =>
  running(h).ended('s1', 'threw').settled('s1', 'p1', { status: 'pending', retryCount: 1, errorCode: 'Error' });
const toldOfCancel = (h: HistoryBuilder): HistoryBuilder =>
  h.event('p1', 'step:cancelled', { by: 'holder' }, 's1').after(200_000).finished();

export const ANNOUNCEMENT_CASES: readonly Case[] = [
  {
    rule: 'an event has its receipt',
    shows: 'an event before its settlement',
    good: (h) => running(h).completed('s1', 'p1'),
    broken: (h) =>
      running(h)
        .ended('s1')
        .event('p1', 'step:completed', { attempt: 1 }, 's1')
        .settled('s1', 'p1', { status: 'completed' }),
  },
  {
    rule: 'an event has its receipt',
    shows: 'an event twice',
    good: (h) => running(h).completed('s1', 'p1'),
    broken: (h) => running(h).completed('s1', 'p1').event('p1', 'step:completed', { attempt: 1 }, 's1'),
  },
  {
    rule: 'an event has its receipt',
    shows: 'a completed step whose claim another took',
    good: (h) => running(h).killed('p1').after(5_000).member('p1', 'evicted', 'p2').recovered('s1', 'p2'),
    broken: (h) => running(h).leaves('p1').recovered('s1', 'p2', 0).event('p1', 'step:completed', { attempt: 1 }, 's1'),
  },
  {
    rule: 'an event has its receipt',
    shows: 'a retry that is announced with another attempt',
    good: (h) => running(h).retrying('s1', 'p1'),
    broken: (h) =>
      running(h)
        .ended('s1', 'threw')
        .settled('s1', 'p1', { status: 'pending', retryCount: 1 })
        .event('p1', 'step:retrying', { attempt: 2 }, 's1'),
  },
  {
    rule: 'a cancelled event has its cancel',
    shows: 'a cancellation that did not happen',
    good: (h) =>
      running(h).cancelled('s1').ended('s1', 'threw', true).event('p1', 'step:cancelled', { by: 'holder' }, 's1'),
    broken: (h) => running(h).event('p1', 'step:cancelled', { by: 'holder' }, 's1'),
  },
  {
    rule: 'a cancelled event has its cancel',
    shows: 'a holder that held nothing',
    good: (h) => begun(h).cancelled('s1', 'p2'),
    broken: (h) => begun(h).cancelled('s1', 'p2').event('p1', 'step:cancelled', { by: 'holder' }, 's1'),
  },
  {
    rule: 'a lost claim was lost',
    shows: 'a claim that holds, and is said to be lost',
    good: (h) =>
      running(h)
        .fault('freeze', 'p1', 9_000)
        .after(9_000)
        .member('p1', 'evicted', 'p2')
        .recovered('s1', 'p2')
        .ended('s1')
        .event('p1', 'step:lost', { attempt: 1 }, 's1'),
    broken: (h) => running(h).ended('s1').event('p1', 'step:lost', { attempt: 1 }, 's1'),
  },
  {
    rule: 'a lost claim was lost',
    shows: 'a settlement of its own that is said to be lost',
    good: (h) => running(h).completed('s1', 'p1'),
    broken: (h) => running(h).completed('s1', 'p1').event('p1', 'step:lost', { attempt: 1 }, 's1'),
  },
  {
    rule: 'a claim is announced once',
    shows: 'a claim that is announced and is not in the store',
    good: running,
    broken: (h) => begun(h).event('p1', 'step:claimed', { attempt: 1 }, 's1'),
  },
  {
    rule: 'a claim is announced once',
    shows: 'a handler that begins unannounced',
    good: running,
    broken: (h) => begun(h).claimed('s1', 'p1').add({ kind: 'began', run: 1, process: 'p1', stepId: 's1', attempt: 1 }),
  },
  {
    rule: 'a claim is announced once',
    shows: 'a run that is announced twice',
    good: running,
    broken: (h) => begun(h).claimed('s1', 'p1').event('p1', 'step:started', { attempt: 1 }, 's1').began('s1', 'p1'),
  },
  {
    rule: 'a receipt of a submission is true',
    shows: 'a step that is created twice',
    good: (h) => begun(h).event('p1', 'step:submitted', { receipt: 'duplicate' }, 's1'),
    broken: (h) => begun(h).event('p1', 'step:submitted', { receipt: 'created' }, 's1'),
  },
  {
    rule: 'a receipt of a submission is true',
    shows: 'a duplicate of a step that is not there',
    good: begun,
    broken: (h) => h.pod('p1').event('p1', 'step:submitted', { receipt: 'duplicate' }, 's1').row('s1'),
  },
  {
    rule: 'no event is missing',
    shows: 'a settlement without its event',
    good: (h) => running(h).completed('s1', 'p1').after(200_000).finished(),
    broken: (h) => running(h).ended('s1').settled('s1', 'p1', { status: 'completed' }).after(200_000).finished(),
  },
  {
    rule: 'no event is missing',
    shows: 'a cancel of a later claim in place of the event',
    good: (h) => toldOfCancel(givenBack(h).cancelled('s1')),
    broken: (h) => toldOfCancel(givenBack(h).claimed('s1', 'p2').cancelled('s1')),
  },
  {
    rule: 'no claim is overlooked',
    shows: 'a claim that its holder never knew, and gave back',
    good: (h) => h.pod('p1').submitted('s1').claimed('s1', 'p1').released('s1', 'p1'),
    broken: (h) => unknown(h).settled('s1', 'p1', { status: 'pending' }),
  },
  {
    rule: 'an unknown claim is not given back at once',
    shows: 'a claim that is given back before reads can show it',
    bounds: { staleReadMs: 2_000, lateCalls: true },
    good: (h) => unknown(h).after(2_100).settled('s1', 'p1', { status: 'pending' }),
    broken: (h) => unknown(h).after(500).settled('s1', 'p1', { status: 'pending' }),
  },
  {
    rule: 'events are in order',
    shows: 'a claim before the pod has joined',
    good: running,
    broken: (h) => h.row('s1').event('p1', 'step:claimed', { attempt: 1 }, 's1'),
  },
  {
    rule: 'events are in order',
    shows: 'an event after the queue has stopped',
    good: (h) => begun(h).leaves('p1'),
    broken: (h) => begun(h).leaves('p1').event('p1', 'store:recovered'),
  },
  {
    rule: 'events are in order',
    shows: 'a leader that is elected twice',
    good: (h) => begun(h).event('p1', 'leader:elected').event('p1', 'leader:lost').event('p1', 'leader:elected'),
    broken: (h) => begun(h).event('p1', 'leader:elected').event('p1', 'leader:elected'),
  },
  {
    rule: 'an announced death is true',
    shows: 'the death of a pod that was not evicted',
    good: (h) =>
      begun(h)
        .killed('p1')
        .after(5_000)
        .member('p1', 'evicted', 'p2')
        .event('p2', 'pod:dead', { incarnation: h.incarnationOf('p1') }),
    broken: (h) =>
      begun(h)
        .killed('p1')
        .event('p2', 'pod:dead', { incarnation: h.incarnationOf('p1') }),
  },
  {
    rule: 'an answer is true',
    shows: 'a step that is shown as it had been before the question',
    good: (h) =>
      begun(h)
        .after(50)
        .call('getStep', 'client', () => h.claimed('s1', 'p1'), { asked: { stepId: 's1' }, ...shown(0) }),
    broken: (h) =>
      begun(h)
        .claimed('s1', 'p1')
        .after(50)
        .call('getStep', 'client', undefined, { asked: { stepId: 's1' }, ...shown(0) }),
  },
  {
    rule: 'an answer is true',
    shows: 'a read that is later than a read may be',
    bounds: { latenessMs: 40 },
    good: (h) =>
      begun(h)
        .after(9)
        .claimed('s1', 'p1')
        .after(30)
        .call('getStep', 'client', undefined, { asked: { stepId: 's1' }, ...shown(0) }),
    broken: (h) =>
      begun(h)
        .after(9)
        .claimed('s1', 'p1')
        .after(50)
        .call('getStep', 'client', undefined, { asked: { stepId: 's1' }, ...shown(0) }),
  },
  {
    rule: 'an answer is true',
    shows: 'a wait that ends before the step',
    good: (h) => running(h).call('waitFor', 'client', () => h.completed('s1', 'p1'), { asked: { stepId: 's1' } }),
    broken: (h) => running(h).call('waitFor', 'client', undefined, { asked: { stepId: 's1' } }),
  },
  {
    rule: 'an answer is true',
    shows: 'a wait that is aborted by nobody',
    good: (h) => waits(h, { aborts: true }, 'WAIT_ABORTED', 0),
    broken: (h) => waits(h, {}, 'WAIT_ABORTED', 0),
  },
  {
    rule: 'an answer is true',
    shows: 'a wait that times out too early',
    good: (h) => waits(h, { timeoutMs: 100 }, 'WAIT_TIMEOUT', 100),
    broken: (h) => waits(h, { timeoutMs: 100 }, 'WAIT_TIMEOUT', 80),
  },
  {
    rule: 'an answer is true',
    shows: 'a wait without a time-out that times out',
    good: (h) => waits(h, { timeoutMs: 100 }, 'WAIT_TIMEOUT', 120),
    broken: (h) => waits(h, {}, 'WAIT_TIMEOUT', 120),
  },
  {
    rule: 'an answer is true',
    shows: 'a cancel that says that the step has ended',
    good: (h) =>
      running(h)
        .completed('s1', 'p1')
        .call('cancel', 'client', undefined, { asked: { stepId: 's1' }, told: { answer: 'alreadyTerminal' } }),
    broken: (h) =>
      running(h).call('cancel', 'client', undefined, { asked: { stepId: 's1' }, told: { answer: 'alreadyTerminal' } }),
  },
  {
    rule: 'an answer is true',
    shows: 'a retry that is refused though the step had failed',
    good: (h) =>
      running(h).call('retry', 'client', undefined, { asked: { stepId: 's1' }, told: { answer: 'notRetryable' } }),
    broken: (h) =>
      begun(h)
        .cancelled('s1')
        .after(1)
        .call('retry', 'client', undefined, { asked: { stepId: 's1' }, told: { answer: 'notRetryable' } }),
  },
  {
    rule: 'an answered command was done',
    shows: 'a cancel that changed nothing',
    good: (h) => running(h).cancelled('s1'),
    broken: (h) =>
      running(h).call('cancel', 'client', undefined, { asked: { stepId: 's1' }, told: { answer: 'cancelled' } }),
  },
  {
    rule: 'an answered command was done',
    shows: 'two callers that both cancelled one step',
    good: (h) => begun(h).cancelled('s1').retried('s1').cancelled('s1'),
    broken: (h) => {
      const call = { asked: { stepId: 's1' }, told: { answer: 'cancelled' } };
      begun(h).call('cancel', 'p1', () => h.cancelled('s1'), call);
    },
  },
  {
    rule: 'a key yields one step',
    shows: 'two steps under one key',
    good: (h) => {
      const call = { asked: { key: 'k' }, told: { stepIds: ['s1'] } };
      begun(h).call('submit', 'client', undefined, call).call('submit', 'p1', undefined, call);
    },
    broken: (h) => {
      begun(h).submitted('s2');
      for (const stepId of ['s1', 's2'])
        h.call('submit', 'client', undefined, { asked: { key: 'k' }, told: { stepIds: [stepId] } });
    },
  },
  {
    rule: 'bad input is refused',
    shows: 'bad input that is accepted',
    good: (h) => h.call('misuse', 'client', undefined, { told: { error: 'STEP_INVALID' } }),
    broken: (h) => h.call('misuse', 'client'),
  },
  {
    rule: 'bad input is refused',
    shows: 'bad input that is refused for another reason',
    good: (h) => misused(h.pod('p1'), 'STEP_INVALID'),
    broken: (h) => misused(h.pod('p1'), 'STORE_UNAVAILABLE'),
  },
  {
    rule: 'every call is answered',
    shows: 'a call that is never answered',
    good: (h) => running(h).cancelled('s1').ended('s1').finished(),
    broken: (h) =>
      running(h)
        .completed('s1', 'p1')
        .add({ kind: 'asked', call: 99, process: 'p1', method: 'getStep', stepId: 's1' })
        .finished(),
  },
  {
    rule: 'every call is answered',
    shows: 'a call in the calm that takes too long',
    bounds: { answerBoundMs: 100 },
    good: (h) =>
      h
        .pod('p1')
        .call('submit', 'client', () => h.after(500).row('s1').done('s1', 'p1').calm(), { told: { stepIds: ['s1'] } })
        .finished(),
    broken: (h) =>
      h
        .pod('p1')
        .calm()
        .call('submit', 'client', () => h.after(500).row('s1'), { told: { stepIds: ['s1'] } })
        .done('s1', 'p1')
        .finished(),
  },
  {
    rule: 'every call is answered',
    shows: 'a wait that misses the end of its step',
    bounds: { noticeBoundMs: 100 },
    good: (h) =>
      running(h)
        .call('waitFor', 'client', () => h.completed('s1', 'p1').after(90), { asked: { stepId: 's1' } })
        .finished(),
    broken: (h) =>
      running(h)
        .call('waitFor', 'client', () => h.completed('s1', 'p1').after(110), { asked: { stepId: 's1' } })
        .finished(),
  },
];

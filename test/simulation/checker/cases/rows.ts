/** What the store holds: rows and their changes. */
import type { Case } from './case.js';
import type { HistoryBuilder } from './history-builder.js';

const begun = (h: HistoryBuilder): HistoryBuilder => h.pod('p1').submitted('s1');
const done = (h: HistoryBuilder): HistoryBuilder => begun(h).done('s1', 'p1');

/** The first row runs, and a cancel has ended the second one alone. */
const cancelledBeside = (h: HistoryBuilder, answer: string): HistoryBuilder =>
  begun(h)
    .row('s1', { rowId: '2' })
    .claimed('s1', 'p1')
    .began('s1', 'p1')
    .call('cancel', 'client', () => void h.change('s1', { status: 'cancelled', settledBy: 'a cancel' }, '2'), {
      asked: { stepId: 's1' },
      told: { answer },
    });

export const ROW_CASES: readonly Case[] = [
  {
    rule: 'what is acknowledged is stored',
    shows: 'a submission that is answered before it is stored',
    good: begun,
    broken: (h) => h.call('submit', 'client', undefined, { told: { stepIds: ['s1'] } }).row('s1'),
  },
  {
    rule: 'a step ends once',
    shows: 'two rows that are both completed',
    good: done,
    broken: (h) => {
      done(h).row('s1', { rowId: '2' }).claimed('s1', 'p1', {}, '2');
      h.change('s1', { status: 'completed', claimToken: null, settledBy: h.incarnationOf('p1') }, '2');
    },
  },
  {
    rule: 'a step ends once',
    shows: 'a step that was cancelled, and is completed in its other row',
    good: (h) => begun(h).cancelled('s1').retried('s1').done('s1', 'p1'),
    broken: (h) => {
      begun(h).cancelled('s1').row('s1', { rowId: '2' }).claimed('s1', 'p1', {}, '2');
      h.change('s1', { status: 'completed', claimToken: null, settledBy: h.incarnationOf('p1') }, '2');
    },
  },
  {
    rule: 'a step ends once',
    shows: 'a claim that completes a step, and its caller had learnt that it is cancelled',
    good: (h) => cancelledBeside(h, 'alreadyTerminal').completed('s1', 'p1'),
    broken: (h) => cancelledBeside(h, 'cancelled').completed('s1', 'p1'),
    bounds: { twoRows: true },
  },
  {
    rule: 'a cancel holds',
    shows: 'a cancel of the second row of a step that was completed',
    good: (h) => begun(h).cancelled('s1').retried('s1').done('s1', 'p1'),
    broken: (h) => {
      const cancel = (): void => void h.change('s1', { status: 'cancelled', settledBy: 'a cancel' }, '2');
      done(h)
        .row('s1', { rowId: '2' })
        .call('cancel', 'client', cancel, { asked: { stepId: 's1' }, told: { answer: 'cancelled' } });
    },
  },
  {
    rule: 'nothing vanishes',
    shows: 'a pending step that is removed',
    good: (h) => done(h).archived('s1'),
    broken: (h) => begun(h).removed('s1'),
  },
  {
    rule: 'nothing vanishes',
    shows: 'an ended step that is removed before it was archived',
    bounds: { keepMs: 1_000 },
    good: (h) => done(h).after(1_000).removed('s1'),
    broken: (h) => done(h).after(900).removed('s1'),
  },
  {
    rule: 'nothing vanishes',
    shows: 'a row that is archived at another version',
    good: (h) => begun(h).cancelled('s1').archived('s1'),
    broken: (h) => {
      begun(h)
        .cancelled('s1')
        .add({ kind: 'row', table: 'archive', after: h.state('s1') });
      h.retried('s1').cancelled('s1').removed('s1');
    },
  },
  {
    rule: 'nothing vanishes',
    shows: 'the only pending row of a step that goes as a duplicate',
    bounds: { twoRows: true },
    good: (h) => begun(h).row('s1', { rowId: '2' }).claimed('s1', 'p1').released('s1', 'p1').removed('s1', '2'),
    broken: (h) => begun(h).row('s1', { rowId: '2' }).removed('s1', '2'),
  },
  {
    rule: 'nothing vanishes',
    shows: 'an archived step that is removed too early',
    bounds: { keepMs: 1_000 },
    good: (h) => {
      const after = done(h)
        .archived('s1')
        .entries.findLast(({ kind }) => kind === 'row');
      if (after?.kind === 'row' && after.before)
        h.after(1_000).add({ kind: 'row', table: 'archive', before: after.before });
    },
    broken: (h) => {
      const after = done(h)
        .archived('s1')
        .entries.findLast(({ kind }) => kind === 'row');
      if (after?.kind === 'row' && after.before)
        h.after(10).add({ kind: 'row', table: 'archive', before: after.before });
    },
  },
  {
    rule: 'the record is whole',
    shows: 'a row at the end that differs from its last change',
    good: (h) => done(h).finished(),
    broken: (h) => done(h).finished({ steps: [{ ...h.state('s1'), version: 9 }] }),
  },
  {
    rule: 'the record is whole',
    shows: 'a step that is gone, and whose removal was not recorded',
    good: (h) => done(h).finished(),
    broken: (h) => done(h).finished({ steps: [] }),
  },
  {
    rule: 'no lost update',
    shows: 'a change that begins with an older row',
    good: done,
    broken: (h) => {
      const before = begun(h).state('s1');
      h.claimed('s1', 'p1').add({
        kind: 'row',
        table: 'steps',
        before,
        after: { ...before, status: 'cancelled', version: 1 },
      });
    },
  },
  {
    rule: 'state machine',
    shows: 'a completed step that is pending again',
    good: (h) => begun(h).cancelled('s1').retried('s1'),
    broken: (h) => done(h).change('s1', { status: 'pending' }),
  },
  {
    rule: 'state machine',
    shows: 'a pending step that is completed without a claim',
    good: done,
    broken: (h) => begun(h).change('s1', { status: 'completed' }),
  },
  {
    rule: 'state machine',
    shows: 'an ended step that changes',
    good: done,
    broken: (h) => done(h).change('s1', { errorCode: 'Error', version: h.state('s1').version }),
  },
  {
    rule: 'state machine',
    shows: 'a claim that another takes over',
    good: (h) => begun(h).claimed('s1', 'p1').released('s1', 'p1').claimed('s1', 'p1'),
    broken: (h) => begun(h).claimed('s1', 'p1').claimed('s1', 'p1'),
  },
  {
    rule: 'state machine',
    shows: 'a new row that is not new',
    good: (h) =>
      begun(h)
        .cancelled('s1')
        .archived('s1')
        .call('retry', 'p1', () => h.row('s1', { version: 2, rowId: '2' }), {
          asked: { stepId: 's1' },
          told: { answer: 'retried' },
        }),
    broken: (h) => begun(h).row('s2', { version: 3 }),
    bounds: { twoRows: true },
  },
  {
    rule: 'version rises',
    shows: 'a claim that leaves the version as it was',
    good: done,
    broken: (h) => begun(h).claimed('s1', 'p1', { version: 0 }),
  },
  {
    rule: 'version rises',
    shows: 'a correction of the due time that raises the version',
    good: (h) => begun(h).change('s1', { dueAt: 0, version: 0 }),
    broken: (h) => begun(h).change('s1', { dueAt: 0 }),
  },
  {
    rule: 'a step stays the same',
    shows: 'a priority that changes',
    good: done,
    broken: (h) => begun(h).claimed('s1', 'p1', { priority: 7 }),
  },
  {
    rule: 'a claim names its holder',
    shows: 'a claimed row without a token',
    good: done,
    broken: (h) => begun(h).claimed('s1', 'p1', { claimToken: null }),
  },
  {
    rule: 'a claim names its holder',
    shows: 'an ended row that keeps its token',
    good: done,
    broken: (h) => begun(h).claimed('s1', 'p1').settled('s1', 'p1', { status: 'completed', claimToken: 'token' }),
  },
  {
    rule: 'a claim names its holder',
    shows: 'a token of two incarnations',
    good: (h) =>
      begun(h).submitted('s2').claimed('s1', 'p1', { claimToken: 't' }).claimed('s2', 'p1', { claimToken: 't' }),
    broken: (h) =>
      begun(h)
        .pod('p2')
        .submitted('s2')
        .claimed('s1', 'p1', { claimToken: 't' })
        .claimed('s2', 'p2', { claimToken: 't' }),
  },
];

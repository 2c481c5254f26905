/** What must be so when the last fault is over. */
import type { Case } from './case.js';
import type { HistoryBuilder } from './history-builder.js';

const begun = (h: HistoryBuilder): HistoryBuilder => h.pod('p1').pod('p2').submitted('s1');
const done = (h: HistoryBuilder): HistoryBuilder => begun(h).done('s1', 'p1');

function aliveWith(h: HistoryBuilder, ...differences: readonly object[]) {
  const well = { isLeader: false, phase: 'running', problems: [], held: 0 };
  return differences.map((difference, i) => {
    const process = `p${i + 1}`;
    return { process, podId: process, incarnation: h.incarnationOf(process), ...well, ...difference };
  });
}

export const CALM_CASES: readonly Case[] = [
  {
    rule: 'nothing starves in the calm',
    shows: 'a step that is due and is not claimed in time',
    bounds: { waitBoundMs: 1_000 },
    good: (h) => begun(h).after(5_000).calm().after(900).done('s1', 'p1').finished(),
    broken: (h) => begun(h).after(5_000).calm().after(1_100).done('s1', 'p1').finished(),
  },
  {
    rule: 'nothing starves in the calm',
    shows: 'a claim that is held for too long',
    bounds: { claimBoundMs: 1_000 },
    good: (h) => begun(h).calm().claimed('s1', 'p1').began('s1', 'p1').after(900).completed('s1', 'p1').finished(),
    broken: (h) => begun(h).calm().claimed('s1', 'p1').began('s1', 'p1').after(1_100).completed('s1', 'p1').finished(),
  },
  {
    rule: 'everything drains',
    shows: 'a step that is still claimed',
    good: (h) => done(h).submitted('s2', { dueAt: 1_000_000 }).submitted('s3', { type: 'nobody' }).finished(),
    broken: (h) => begun(h).claimed('s1', 'p1').finished(),
  },
  {
    rule: 'everything drains',
    shows: 'a step that is still pending',
    good: (h) => done(h).finished(),
    broken: (h) => begun(h).finished(),
  },
  {
    rule: 'one pod leads',
    shows: 'two leaders',
    good: (h) => done(h).finished(),
    broken: (h) => done(h).finished({ alive: aliveWith(h, { isLeader: true }, { isLeader: true }) }),
  },
  {
    rule: 'one pod leads',
    shows: 'no leader, and a pod that is awake',
    good: (h) =>
      done(h)
        .event('p1', 'pod:asleep')
        .event('p2', 'pod:asleep')
        .finished({ alive: aliveWith(h, {}, {}) }),
    broken: (h) =>
      done(h)
        .event('p1', 'pod:asleep')
        .finished({ alive: aliveWith(h, {}, {}) }),
  },
  {
    rule: 'every pod is well',
    shows: 'a pod that reports a problem',
    good: (h) => done(h).finished({ alive: aliveWith(h, { isLeader: true }, {}) }),
    broken: (h) => done(h).finished({ alive: aliveWith(h, { isLeader: true, problems: ['fenced'] }, {}) }),
  },
  {
    rule: 'every pod is well',
    shows: 'a pod that holds a claim',
    good: (h) =>
      done(h)
        .fenced('p2', 'superseded', false)
        .member('p2', 'left')
        .finished({ alive: aliveWith(h, { isLeader: true }, { problems: ['left'] }) }),
    broken: (h) => done(h).finished({ alive: aliveWith(h, { isLeader: true }, { held: 1 }) }),
  },
  {
    rule: 'every pod is well',
    shows: 'a pod that is no member any more',
    good: (h) => done(h).finished(),
    broken: (h) =>
      done(h).fault('cut', 'p2', 6_000).fenced('p2', 'silent').after(6_000).member('p2', 'evicted', 'p1').finished(),
  },
  {
    rule: 'no timer is left',
    shows: 'a timer that outlives its queue',
    good: (h) => done(h).finished({ timersLeft: { p1: 0 } }),
    broken: (h) => done(h).finished({ timersLeft: { p1: 1 } }),
  },
];

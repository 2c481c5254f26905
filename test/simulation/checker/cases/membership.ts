/** Who claims, what runs, and who is evicted. */
import type { Case } from './case.js';
import type { HistoryBuilder } from './history-builder.js';

const two = (h: HistoryBuilder): HistoryBuilder => h.pod('p1').pod('p2').after(1_000);
const claimed = (h: HistoryBuilder): HistoryBuilder => two(h).submitted('s1').claimed('s1', 'p1');
const failed = (h: HistoryBuilder): HistoryBuilder =>
  claimed(h).began('s1', 'p1').ended('s1', 'threw').settled('s1', 'p1', { status: 'failed' });
/** p1 is cut off, fences itself, and is evicted. */
const evicted = (h: HistoryBuilder): HistoryBuilder =>
  h.fault('cut', 'p1', 8_000).after(4_000).fenced('p1', 'silent').after(2_000).member('p1', 'evicted', 'p2');
/** p1 stands still, and is heard while it is evicted. */
const crossed = (h: HistoryBuilder): HistoryBuilder =>
  h
    .fault('freeze', 'p1', 8_000)
    .fenced('p1', 'frozen')
    .event('p1', 'heartbeat:completed')
    .member('p1', 'evicted', 'p2', 90);

export const MEMBERSHIP_CASES: readonly Case[] = [
  {
    rule: 'only members claim',
    shows: 'a claim of an evicted incarnation',
    good: (h) => evicted(two(h).submitted('s1')).after(2_000).joins('p1').claimed('s1', 'p1'),
    broken: (h) => evicted(two(h).submitted('s1')).claimed('s1', 'p1'),
  },
  {
    rule: 'only members claim',
    shows: 'a claim of an incarnation that was evicted before the statement read',
    good: (h) => evicted(two(h).submitted('s1')).after(99).claimed('s1', 'p1'),
    broken: (h) => evicted(two(h).submitted('s1')).after(100).claimed('s1', 'p1'),
    bounds: { workMs: 100 },
  },
  {
    rule: 'only members claim',
    shows: 'a claim of an incarnation that never registered',
    good: claimed,
    broken: (h) => two(h).submitted('s1').claimed('s1', 'p1', { claimedIncarnation: 'nobody' }),
  },
  {
    rule: 'only due steps are claimed',
    shows: 'a step that is claimed before its time',
    good: (h) => two(h).submitted('s1', { dueAt: 1_500 }).after(500).claimed('s1', 'p1'),
    broken: (h) => two(h).submitted('s1', { dueAt: 1_500 }).claimed('s1', 'p1'),
  },
  {
    rule: 'a retried step is due',
    shows: 'a step that waits after a retry by hand',
    good: (h) => failed(h).retried('s1'),
    broken: (h) => failed(h).retried('s1', { dueAt: 90_000 }),
  },
  {
    rule: 'a stopping pod starts nothing',
    shows: 'a handler that begins after its pod was asked to stop',
    good: (h) => claimed(h).began('s1', 'p1').after(100).stopping('p1'),
    broken: (h) => claimed(h).stopping('p1').after(100).began('s1', 'p1'),
  },
  {
    rule: 'a pod leaves last',
    shows: 'a pod that leaves while its handler runs',
    good: (h) => claimed(h).began('s1', 'p1').stopping('p1').after(100).ended('s1').member('p1', 'left'),
    broken: (h) => claimed(h).began('s1', 'p1').stopping('p1').after(100).member('p1', 'left').ended('s1'),
  },
  {
    rule: 'claims are in order',
    shows: 'a step that overtakes an equal one',
    good: (h) => two(h).submitted('s1').after(100).submitted('s2').claimed('s1', 'p1').claimed('s2', 'p2'),
    broken: (h) => two(h).submitted('s1').after(100).submitted('s2').claimed('s2', 'p1').after(1).claimed('s1', 'p1'),
  },
  {
    rule: 'claims are in order',
    shows: 'a step of low priority that overtakes one of high priority',
    good: (h) =>
      two(h)
        .submitted('s1')
        .submitted('s2', { priority: 5 })
        .after(100)
        .claimed('s2', 'p1')
        .after(1)
        .claimed('s1', 'p1'),
    broken: (h) => two(h).submitted('s1').submitted('s2', { priority: 5 }).after(100).claimed('s1', 'p1'),
  },
  {
    rule: 'a run has its claim',
    shows: 'a handler that begins without a claim',
    good: (h) => claimed(h).began('s1', 'p1'),
    broken: (h) => claimed(h).began('s1', 'p2'),
  },
  {
    rule: 'a run has its claim',
    shows: 'a second handler of one claim',
    good: (h) => claimed(h).began('s1', 'p1').retrying('s1', 'p1').claimed('s1', 'p1').began('s1', 'p1'),
    broken: (h) => claimed(h).began('s1', 'p1').ended('s1').began('s1', 'p1'),
  },
  {
    rule: 'a run has its claim',
    shows: 'a handler that is shown another attempt',
    good: (h) => claimed(h).began('s1', 'p1'),
    broken: (h) => claimed(h).began('s1', 'p1', 2),
  },
  {
    rule: 'a run has its claim',
    shows: 'a step of a type that the process does not handle',
    good: (h) =>
      two(h)
        .pod('p3', { settings: { types: ['rest'] } })
        .submitted('s1', { type: 'rest' })
        .claimed('s1', 'p3')
        .began('s1', 'p3'),
    broken: (h) => two(h).submitted('s1', { type: 'rest' }).claimed('s1', 'p1').began('s1', 'p1'),
  },
  {
    rule: 'a pod runs what it holds',
    shows: 'a handler that begins after its claim was given back',
    good: (h) => claimed(h).released('s1', 'p1').claimed('s1', 'p2').began('s1', 'p2'),
    broken: (h) => claimed(h).released('s1', 'p1').began('s1', 'p1'),
  },
  {
    rule: 'a pod runs what it holds',
    shows: 'a handler that begins under an evicted incarnation',
    good: (h) => evicted(claimed(h).began('s1', 'p1')),
    broken: (h) => evicted(claimed(h)).began('s1', 'p1'),
  },
  {
    rule: 'a pod runs what it holds',
    shows: 'a handler that begins long after an eviction that its pod could not see at first',
    bounds: { workMs: 100 },
    good: (h) => crossed(claimed(h)).after(4_900).began('s1', 'p1'),
    broken: (h) => crossed(claimed(h)).after(5_100).began('s1', 'p1'),
  },
  {
    rule: 'a fenced pod starts nothing',
    shows: 'a handler that begins after the fence',
    good: (h) => claimed(h).fenced('p1', 'silent').after(500).event('p1', 'heartbeat:completed').began('s1', 'p1'),
    broken: (h) => claimed(h).fenced('p1', 'silent').after(500).began('s1', 'p1').event('p1', 'step:lost'),
  },
  {
    rule: 'a fenced pod starts nothing',
    shows: 'a superseded pod that goes on',
    good: (h) => claimed(h).began('s1', 'p1').fenced('p1', 'superseded', false).completed('s1', 'p1'),
    broken: (h) =>
      claimed(h).fenced('p1', 'superseded', false).event('p1', 'heartbeat:completed').after(9).began('s1', 'p1'),
  },
  {
    rule: 'a fenced pod starts nothing',
    shows: 'an evicted pod that begins before it has joined again',
    good: (h) => claimed(h).fenced('p1', 'evicted').joins('p1').submitted('s2').claimed('s2', 'p1').began('s2', 'p1'),
    broken: (h) =>
      claimed(h).fenced('p1', 'evicted').after(1).event('p1', 'heartbeat:completed').after(1).began('s1', 'p1'),
  },
  {
    rule: 'a sleeping pod runs nothing',
    shows: 'a handler that begins while its pod sleeps',
    good: (h) => claimed(h).began('s1', 'p1').completed('s1', 'p1').event('p1', 'pod:asleep').event('p1', 'pod:awake'),
    broken: (h) => claimed(h).event('p1', 'pod:asleep').began('s1', 'p1'),
  },
  {
    rule: 'a sleeping pod is given nothing',
    shows: 'a step that another pod claims for one that sleeps',
    good: (h) =>
      two(h)
        .event('p1', 'pod:asleep')
        .after(1_000)
        .event('p1', 'pod:awake')
        .submitted('s1')
        .claimed('s1', 'p1', {}, '1', 'p2'),
    broken: (h) => two(h).event('p1', 'pod:asleep').after(1_000).submitted('s1').claimed('s1', 'p1', {}, '1', 'p2'),
  },
  {
    rule: 'a sleeping pod wakes for work',
    shows: 'a step that waits beside a pod that sleeps',
    bounds: { wakeBoundMs: 5_000 },
    good: (h) =>
      two(h).event('p1', 'pod:asleep').submitted('s1').after(4_000).event('p1', 'pod:awake').claimed('s1', 'p1'),
    broken: (h) =>
      two(h).event('p1', 'pod:asleep').submitted('s1').after(6_000).event('p1', 'pod:awake').claimed('s1', 'p1'),
  },
  {
    rule: 'slots hold',
    shows: 'more handlers than slots',
    good: (h) =>
      h
        .pod('p1')
        .submitted('s1')
        .submitted('s2')
        .claimed('s1', 'p1')
        .began('s1', 'p1')
        .claimed('s2', 'p1')
        .began('s2', 'p1'),
    broken: (h) =>
      h
        .pod('p1', { settings: { slots: 1 } })
        .submitted('s1')
        .submitted('s2')
        .claimed('s1', 'p1')
        .began('s1', 'p1')
        .claimed('s2', 'p1')
        .began('s2', 'p1'),
  },
  {
    rule: 'slots hold',
    shows: 'two runs of one step in one process',
    good: (h) =>
      claimed(h).began('s1', 'p1').ended('s1', 'released').released('s1', 'p1').claimed('s1', 'p1').began('s1', 'p1'),
    broken: (h) => claimed(h).began('s1', 'p1').released('s1', 'p1').claimed('s1', 'p1').began('s1', 'p1'),
  },
  {
    rule: 'only the first row runs',
    shows: 'a second row that runs',
    bounds: { twoRows: true },
    good: (h) => two(h).submitted('s1').row('s1', { rowId: '2' }).claimed('s1', 'p1').began('s1', 'p1'),
    broken: (h) =>
      two(h).submitted('s1').row('s1', { rowId: '2' }).after(1).claimed('s1', 'p1', {}, '2').began('s1', 'p1'),
  },
  {
    rule: 'only the first row runs',
    shows: 'a second row where there can be none',
    good: (h) => two(h).submitted('s1'),
    broken: (h) => two(h).submitted('s1').row('s1', { rowId: '2' }),
  },
  {
    rule: 'no incarnation comes back',
    shows: 'an evicted incarnation that registers again',
    good: (h) => evicted(two(h)).joins('p1'),
    broken: (h) => evicted(two(h)).member('p1', 'registered'),
  },
  {
    rule: 'no living pod is evicted',
    shows: 'an eviction without a fault',
    good: (h) => evicted(two(h)),
    broken: (h) => two(h).after(60_000).fenced('p1', 'silent').member('p1', 'evicted', 'p2'),
  },
  {
    rule: 'no living pod is evicted',
    shows: 'an eviction long after the fault',
    good: (h) => two(h).fenced('p1', 'superseded', false).after(60_000).member('p1', 'evicted', 'p2'),
    broken: (h) => two(h).fault('cut', 'p1', 8_000).fenced('p1', 'silent').after(60_000).member('p1', 'evicted', 'p2'),
  },
  {
    rule: 'no living pod is evicted',
    shows: 'a living process that counts as exited',
    good: (h) =>
      two(h)
        .killed('p1')
        .after(1)
        .member('p1', 'evicted', 'p2')
        .event('p2', 'pod:dead', { incarnation: h.incarnationOf('p1'), reason: 'exited' }),
    broken: (h) => evicted(two(h)).event('p2', 'pod:dead', { incarnation: h.incarnationOf('p1'), reason: 'exited' }),
  },
  {
    rule: 'no living pod is evicted',
    shows: 'an eviction of a pod that stops, while its handler runs, where requests may hang',
    bounds: { mayHang: true },
    good: (h) =>
      claimed(h)
        .began('s1', 'p1')
        .completed('s1', 'p1')
        .stopping('p1')
        .after(6_000)
        .member('p1', 'evicted', 'p2', 6_000),
    broken: (h) =>
      claimed(h).began('s1', 'p1').after(4_000).stopping('p1').after(2_500).member('p1', 'evicted', 'p2', 6_500),
  },
  {
    rule: 'no living pod is evicted',
    shows: 'an eviction of a pod that was asked to stop after it should have fenced itself',
    bounds: { mayHang: true },
    good: (h) => two(h).after(4_900).stopping('p1').after(600).member('p1', 'evicted', 'p2', 5_500),
    broken: (h) => two(h).after(5_100).stopping('p1').after(400).member('p1', 'evicted', 'p2', 5_500),
  },
  {
    rule: 'an outage evicts nobody',
    shows: 'an eviction after the whole fleet was cut off',
    good: (h) => evicted(h.pod('p1').after(500).pod('p2').after(500).fault('cut', 'p2', 8_000).after(1)),
    broken: (h) => evicted(two(h).fault('cut', 'p2', 8_000)),
  },
  {
    rule: 'an outage evicts nobody',
    shows: 'an eviction of a pod that has not fenced itself where requests may hang',
    bounds: { mayHang: true },
    good: (h) => evicted(two(h).fault('cut', 'p2', 8_000)),
    broken: (h) =>
      two(h).fault('cut', 'p1', 8_000).fault('cut', 'p2', 8_000).after(8_000).member('p1', 'evicted', 'p2'),
  },
  {
    rule: 'an eviction is checked again',
    shows: 'an eviction of a pod that was heard just before',
    good: (h) =>
      two(h).fault('cut', 'p1', 8_000).after(4_000).fenced('p1', 'silent').member('p1', 'evicted', 'p2', 5_100),
    broken: (h) => two(h).fault('cut', 'p1', 8_000).fenced('p1', 'silent').member('p1', 'evicted', 'p2', 900),
  },
  {
    rule: 'an eviction is checked again',
    shows: 'an eviction of a pod that was heard before the statement read',
    bounds: { workMs: 100 },
    good: (h) => crossed(two(h)),
    broken: (h) => two(h).fault('freeze', 'p1', 8_000).fenced('p1', 'frozen').member('p1', 'evicted', 'p2', 110),
  },
  {
    rule: 'an eviction is checked again',
    shows: 'an eviction at once of a pod that was not killed',
    bounds: { provesExits: true },
    good: (h) => two(h).killed('p1').member('p1', 'evicted', 'p2', 900),
    broken: (h) => two(h).fault('cut', 'p1', 8_000).fenced('p1', 'silent').member('p1', 'evicted', 'p2', 900),
  },
  {
    rule: 'a pod fences itself before it is evicted',
    shows: 'a pod that is cut off and goes on until it is evicted',
    good: (h) => evicted(two(h)),
    broken: (h) => two(h).fault('cut', 'p1', 8_000).after(6_000).member('p1', 'evicted', 'p2'),
  },
  {
    rule: 'a superseded pod stays out',
    shows: 'a superseded pod that registers again',
    good: (h) => two(h).fenced('p1', 'superseded', false).member('p1', 'left'),
    broken: (h) => two(h).fenced('p1', 'superseded', false).joins('p1'),
  },
  {
    rule: 'a superseded pod stays out',
    shows: 'an evicted pod that registers again beside its successor',
    good: (h) => evicted(two(h)).after(2_000).pod('p3', { podId: 'p1' }),
    broken: (h) =>
      evicted(two(h).pod('p3', { podId: 'p1' }))
        .after(2_000)
        .joins('p1'),
  },
];

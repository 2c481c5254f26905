import { beforeEach, describe, expect, it } from 'vitest';
import { electLeader, Elector } from '../../src/fleet/elector.js';
import { HeartbeatPace } from '../../src/fleet/heartbeat-pace.js';
import { OwnIncarnation } from '../../src/fleet/own-incarnation.js';
import { SelfFence } from '../../src/fleet/self-fence.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';
import { log, RecordedEvents } from './support/recorded-events.js';
import { viewOf } from './support/views.js';

const idOf = (pods: Parameters<typeof electLeader>[0]) => electLeader(pods)?.pod.incarnation;

describe('the leader', () => {
  it('is the oldest pod', () => {
    expect(idOf([viewOf('b', { ageMs: 2 }), viewOf('a', { ageMs: 3 }), viewOf('c', { ageMs: 1 })])).toBe('a');
  });

  it('is the first by incarnation among pods of one age', () => {
    expect(idOf([viewOf('b'), viewOf('a')])).toBe('a');
    expect(idOf([viewOf('a'), viewOf('b')])).toBe('a');
  });

  it('is no pod whose process has exited, though it is not evicted yet', () => {
    const views = [viewOf('exited', { ageMs: 9e6, exited: true }), viewOf('next', { eligible: false })];
    expect(electLeader(views)?.pod.podId).toBe('next');
  });

  it('is no pod that is asleep, not eligible, or silent for longer than it registered', () => {
    const rest = [
      viewOf('silent', { ageMs: 9e6, silentForMs: 15_001 }),
      viewOf('asleep', { ageMs: 9e6, asleep: true }),
      viewOf('draining', { ageMs: 9e6, eligible: false }),
    ];
    expect(idOf([...rest, viewOf('young', { ageMs: 1 })])).toBe('young');
  });

  it('is the oldest live pod if none is eligible', () => {
    const views = [
      viewOf('asleep', { ageMs: 9, asleep: true }),
      viewOf('a', { ageMs: 3, eligible: false }),
      viewOf('b', { ageMs: 2, eligible: false }),
    ];
    expect(idOf(views)).toBe('a');
    expect(idOf([])).toBeUndefined();
  });
});

describe('a pod', () => {
  let runtime: VirtualRuntime;
  let recorded: RecordedEvents;
  let fence: SelfFence;
  let elector: Elector;
  const self = { podId: 'a', incarnation: 'a' };

  beforeEach(() => {
    runtime = new VirtualRuntime();
    recorded = new RecordedEvents();
    const pace = new HeartbeatPace({ heartbeatIntervalMs: 2_000, deadAfterMs: 15_000 });
    const shared = { runtime, pace, events: recorded.events, log };
    fence = new SelfFence({
      ...shared,
      identity: new OwnIncarnation(runtime, 'a'),
      pool: { halt: () => {}, retire: () => {}, fence: () => {} },
    });
    elector = new Elector(fence, recorded.events, log);
    fence.answered(fence.now());
  });

  it('emits when it begins and stops leading, and nothing in between', () => {
    let elected = 0;
    elector.onElected(() => elected++);
    const younger = viewOf('b', { ageMs: 1 });
    elector.update([viewOf('a'), younger], self);
    elector.update([viewOf('a'), younger], self);
    expect([elector.isLeader, elector.leader?.pod.podId, elected]).toEqual([true, 'a', 1]);
    elector.update([viewOf('a', { eligible: false }), younger], self);
    expect([elector.isLeader, elector.leader?.pod.podId]).toEqual([false, 'b']);
    expect(recorded.all).toEqual([
      { name: 'leader:elected', payload: self },
      { name: 'leader:lost', payload: self },
    ]);
  });

  it('stops leading at the instant when it is fenced', async () => {
    elector.update([viewOf('a')], self);
    const term = elector.leadership();
    runtime.suspend(60_000);
    expect(term.isLeader).toBe(false);
    await runtime.settle();
    expect(recorded.names).toEqual(['leader:elected', 'leader:lost', 'pod:fenced']);
  });

  it('never continues an earlier term', () => {
    elector.update([viewOf('a')], self);
    const before = elector.leadership();
    elector.lapse();
    elector.update([viewOf('a2', { podId: 'a' })], { podId: 'a', incarnation: 'a2' });
    expect([before.isLeader, elector.leadership().isLeader]).toEqual([false, true]);
    elector.update([viewOf('a3', { podId: 'a' })], { podId: 'a', incarnation: 'a3' });
    expect(recorded.of('leader:elected').map(({ incarnation }) => incarnation)).toEqual(['a', 'a2', 'a3']);
  });

  it('does not lead while it drains permanently', () => {
    fence.drain('outdated');
    elector.update([viewOf('a', { eligible: false })], self);
    expect(elector.isLeader).toBe(false);
  });
});

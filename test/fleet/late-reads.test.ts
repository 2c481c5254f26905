/** The fleet on a store whose reads may show late what other sessions have committed. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PeerWatch } from '../../src/fleet/peer-watch.js';
import { MembershipEvents } from '../../src/fleet/membership-events.js';
import { Supersession } from '../../src/fleet/supersession.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';
import type { PodRef, Store } from '../../src/store/contract.js';
import { log, RecordedEvents } from './support/recorded-events.js';
import { viewOf } from './support/views.js';
import { World, type Member } from './support/world.js';

const STALE = 10_000;
const DEAD_AFTER = 15_000;

let world: World;
beforeEach(async () => {
  world = new World({ staleReadMs: STALE });
  await world.open();
});
afterEach(() => world.close());

/** A view that does not show this pod yet: a session that broke made its registration. */
function hides(store: Store, podId: string, forMs: number): Store {
  const hidden = world.runtime.monotonicMs() + forMs;
  const { heartbeat } = store;
  store.heartbeat = async (pod, beat) => {
    const view = await heartbeat.call(store, pod, beat);
    if (world.runtime.monotonicMs() >= hidden) return view;
    return {
      ...view,
      pods: view.pods.filter((each) => each.pod.podId !== podId || each.pod.incarnation !== pod.incarnation),
    };
  };
  return store;
}

describe('a pod whose own session shows its registration late', () => {
  test('asks again soon, and is neither fenced nor registered anew', async () => {
    const pod = world.pod('a', {}, hides(world.connection(), 'a', 4_000));
    const { incarnation } = pod.pod;
    await world.runtime.until(pod.start());
    expect(pod.pool.calls).toEqual([]);
    await world.advance(5_500);
    expect(pod.pod.incarnation).toBe(incarnation);
    expect(pod.recorded.of('pod:fenced')).toEqual([]);
    expect(pod.recorded.of('pod:joined')).toMatchObject([{ incarnation }]);
    expect(pod.fleet.elector.isLeader).toBe(true);
  });

  test('is not superseded by the incarnation that it has replaced', async () => {
    const old: PodRef = { podId: 'a', incarnation: 'old' };
    await world.store.register({ ...old, heartbeatMs: 2_000, deadAfterMs: 3_600_000, meta: {} });
    await world.advance(STALE);
    const pod = world.pod('a', {}, hides(world.connection(), 'a', 4_000));
    await world.runtime.until(pod.start());
    await world.advance(20_000);
    expect(pod.recorded.of('pod:fenced')).toEqual([]);
    expect(pod.fleet.fence.final).toBe(false);
  });

  test('registers anew if it is still not shown when no read can be older', async () => {
    const pod = world.pod('a', {}, hides(world.connection(), 'a', STALE + 2_500));
    const { incarnation } = pod.pod;
    await world.runtime.until(pod.start());
    await world.advance(STALE - 1_000);
    expect(pod.pod.incarnation).toBe(incarnation);
    await world.advance(4_000);
    expect(pod.pod.incarnation).not.toBe(incarnation);
    expect(pod.recorded.of('pod:fenced')).toMatchObject([{ reason: 'evicted' }]);
  });
});

describe('a pod that sends a heartbeat just before it has to fence itself', () => {
  const outage = async (pod: Member): Promise<void> => {
    await world.advance(4 * DEAD_AFTER);
    pod.line.breaks('fails');
    await world.advance(pod.fleet.fence.fenceAfterMs - 4_500);
    pod.line.heals();
    await world.advance(4 * DEAD_AFTER);
  };

  test('is not declared dead by peers that are shown its heartbeat late', async () => {
    const leader = await world.started('a');
    const pod = await world.started('b');
    await outage(pod);
    expect(pod.recorded.of('pod:fenced')).toEqual([]);
    expect(leader.recorded.of('pod:dead')).toEqual([]);
    expect(leader.recorded.of('pod:left')).toEqual([]);
  });

  test('has registered a longer dead-after, by as much as its peers may see its heartbeats late', async () => {
    const pod = await world.started('a');
    expect(pod.fleet.elector.pods).toMatchObject([{ deadAfterMs: DEAD_AFTER + STALE }]);
    expect(pod.settings.deadAfterMs).toBe(DEAD_AFTER);
  });
});

test('a pod that died is evicted, and its claims are settled once', async () => {
  const leader = await world.started('a');
  const pod = await world.started('b');
  await world.submit(3);
  await world.claim(pod.pod, 3);
  await world.advance(2 * STALE);
  pod.kill();
  await world.advance(4 * DEAD_AFTER + 2 * STALE);
  expect(leader.recorded.of('pod:dead')).toMatchObject([{ podId: 'b', reason: 'silent' }]);
  expect(leader.recorded.of('step:released')).toHaveLength(3);
  const cycles = leader.recorded.of('recovery:completed');
  expect(cycles.flatMap(({ requeued }) => requeued)).toHaveLength(3);
});

test('an orphan that a late read shows again is not settled again in the cycle', async () => {
  const connection = world.connection();
  const leader = await world.runtime.until(
    (async () => {
      const pod = world.pod('a', { recoveryIntervalMs: 600_000 }, connection);
      await pod.start();
      return pod;
    })(),
  );
  const gone: PodRef = { podId: 'b', incarnation: 'gone' };
  await world.store.register({ ...gone, heartbeatMs: 2_000, deadAfterMs: 60_000, meta: {} });
  await world.submit(2);
  await world.claim(gone, 2);
  await world.store.leave(gone);
  await world.advance(STALE);
  const all = await connection.orphans({ limit: 10 });
  const pages = [all.slice(0, 1), all, all];
  connection.orphans = () => Promise.resolve(pages.shift() ?? []);
  await world.runtime.until(leader.fleet.recovery.run());
  expect(leader.recorded.of('step:released').map(({ stepId }) => stepId)).toEqual(all.map(({ stepId }) => stepId));
  expect(leader.recorded.of('recovery:completed')).toMatchObject([{ requeued: all.map(({ stepId }) => stepId) }]);
});

test('orphans behind a page that a late read shows again are settled in the same cycle', async () => {
  const connection = world.connection();
  const leader = world.pod('a', { recoveryIntervalMs: 600_000 }, connection);
  await world.runtime.until(leader.start());
  const gone: PodRef = { podId: 'b', incarnation: 'gone' };
  await world.store.register({ ...gone, heartbeatMs: 2_000, deadAfterMs: 60_000, meta: {} });
  await world.submit(900);
  await world.claim(gone, 900);
  await world.store.leave(gone);
  await world.advance(STALE);
  const all = await connection.orphans({ limit: 1_000 });
  let reads = 0;
  connection.orphans = ({ limit }) => {
    reads++;
    return Promise.resolve(all.slice(0, limit));
  };
  const recorded = leader.recorded.of('step:released').length;
  await world.runtime.until(leader.fleet.recovery.run());
  const released = leader.recorded.of('step:released').slice(recorded);
  expect(released.map(({ stepId }) => stepId)).toEqual(all.map(({ stepId }) => stepId));
  expect(reads).toBeLessThan(10);
});

describe('the watch over peers', () => {
  const LONG_DEAD = 40_000;
  /** Seen silent for longer than it registered, and watched unchanged for this long. */
  const deadAfterWatching = (watchedMs: number, staleReadMs: number): number => {
    const runtime = new VirtualRuntime();
    let now = 0;
    runtime.monotonicMs = () => now;
    const peers = new PeerWatch(runtime, { heartbeatIntervalMs: 2_000 }, staleReadMs);
    const view = viewOf('b', { heartbeatMs: 2_000, deadAfterMs: LONG_DEAD, silentForMs: LONG_DEAD + 1, beat: '1' });
    for (; now <= watchedMs; now += 2_000) peers.update([view], { podId: 'a', incarnation: 'a' });
    return peers.dead().length;
  };

  test('watches a pod for longer if its heartbeats may be shown late', () => {
    expect(deadAfterWatching(14_000, 0)).toBe(1);
    expect(deadAfterWatching(22_000, STALE)).toBe(0);
    expect(deadAfterWatching(26_000, STALE)).toBe(1);
  });
});

describe('membership', () => {
  const SELF: PodRef = { podId: 'a', incarnation: 'a' };
  const seen = (members: MembershipEvents, at: number, ...incarnations: string[]): void =>
    members.update(
      ['a', ...incarnations].map((each) => viewOf(each)),
      SELF,
      { askedAt: at, now: at + 100 },
    );

  test('emits no pod:left for a pod that a late read may not show yet', () => {
    const recorded = new RecordedEvents();
    const members = new MembershipEvents(recorded.events, log, STALE);
    seen(members, 0);
    seen(members, 1_000, 'b');
    seen(members, 3_000);
    seen(members, 1_100 + STALE - 1);
    expect(recorded.names).toEqual(['pod:joined', 'pod:joined']);
    seen(members, 1_100 + STALE);
    expect(recorded.names).toEqual(['pod:joined', 'pod:joined', 'pod:left']);
  });

  test('emits no second pod:joined for a pod that a late read still shows', () => {
    const recorded = new RecordedEvents();
    const members = new MembershipEvents(recorded.events, log, STALE);
    seen(members, 0, 'b');
    seen(members, 2 * STALE);
    seen(members, 2 * STALE + 2_000, 'b');
    seen(members, 3 * STALE);
    expect(recorded.names).toEqual(['pod:joined', 'pod:left']);
  });

  test('reports an older incarnation under its podId once, also if a late read shows it only later', () => {
    const supersession = new Supersession();
    const self = viewOf('a', { ageMs: 5_000 });
    const elder = { ...viewOf('b', { ageMs: 6_000 }), pod: { podId: 'a', incarnation: 'b' } };
    supersession.successor([self], SELF);
    expect(supersession.newElders()).toEqual([]);
    expect(supersession.successor([self, elder], SELF)).toBeUndefined();
    expect(supersession.newElders()).toEqual(['b']);
    expect(supersession.newElders()).toEqual([]);
  });
});

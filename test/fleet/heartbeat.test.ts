import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StoreError } from '../../src/errors.js';
import type { FleetView } from '../../src/store/contract.js';
import { log } from './support/recorded-events.js';
import { World } from './support/world.js';

let world: World;
beforeEach(async () => {
  world = new World();
  await world.open();
});
afterEach(() => world.close());

/** The list of the pods of this process, as `shared-pod-id.ts` keeps it. */
const KEY = Symbol.for('fleet-q.pods');
const reasons = (pod: Awaited<ReturnType<World['started']>>) =>
  pod.recorded.of('pod:fenced').map(({ reason }) => reason);

describe('a pod that starts', () => {
  it('has registered, sent a heartbeat, and knows the fleet', async () => {
    const pod = await world.started('a');
    expect(pod.line.calls.slice(0, 2)).toEqual(['register', 'heartbeat']);
    expect(pod.pool.calls).toEqual([`admit ${pod.pod.incarnation}`]);
    expect(pod.fleet.elector.pods).toHaveLength(1);
    expect(pod.fleet.leader).toMatchObject({ pod: pod.pod, eligible: true, asleep: false, meta: { types: ['work'] } });
    expect(pod.recorded.names).toEqual(['pod:joined', 'leader:elected']);
    expect(pod.health()).toMatchObject({ status: 'healthy', isLeader: true, version: '1.2.3' });
  });

  it('sends heartbeats at its interval, with jitter', async () => {
    const pod = await world.started('a');
    await world.advance(60_000);
    expect(pod.line.count('heartbeat')).toBeGreaterThanOrEqual(31);
    expect(pod.line.count('heartbeat')).toBeLessThanOrEqual(34);
    pod.fleet.heartbeat.beatNow();
    const before = pod.line.count('heartbeat');
    await world.advance(0);
    expect(pod.line.count('heartbeat')).toBeLessThanOrEqual(before + 1);
    expect(reasons(pod)).toEqual([]);
  });

  it('is fenced in time by an older sign of life, if its peers count from that', async () => {
    const pod = await world.started('a');
    pod.line.after('heartbeat', (view: FleetView) => ({ ...view, signAgoMs: 1_800 }));
    pod.fleet.heartbeat.beatNow();
    await world.advance(0);
    expect(pod.fleet.fence.silentForMs).toBe(1_800);
    pod.line.breaks('fails', 'heartbeat');
    await world.advance(11_250 - 1_800 - 1);
    expect(reasons(pod)).toEqual([]);
    await world.advance(1);
    expect(reasons(pod)).toEqual(['silent']);
  });

  it('sends a heartbeat at once on request', async () => {
    const pod = await world.started('a');
    pod.fleet.heartbeat.beatNow();
    await world.advance(0);
    expect(pod.line.count('heartbeat')).toBe(2);
  });

  it('reports an exchange loop that has stopped, beside a heartbeat that goes on', async () => {
    const pod = await world.started('a');
    pod.pool.overdueMs = 60_000;
    expect(pod.health().problems).toEqual([expect.stringContaining('exchange loop')]);
  });

  it('returns the same promise twice', async () => {
    const pod = await world.started('a');
    expect(pod.fleet.heartbeat.start()).toBe(pod.fleet.heartbeat.start());
    expect(pod.line.count('register')).toBe(1);
  });

  it('rejects if the store cannot be reached, and leaves nothing behind', async () => {
    const pod = world.pod('a');
    pod.line.breaks('fails', 'heartbeat');
    await expect(world.runtime.until(pod.fleet.heartbeat.start())).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await world.store.fleet()).toEqual([]);
    expect(pod.runtime.pending).toBe(0);
  });

  it('rejects if the reply to its registration is lost, and leaves the fleet', async () => {
    const pod = world.pod('a');
    pod.line.breaks('loses', 'register');
    await expect(world.runtime.until(pod.start())).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await world.store.fleet()).toEqual([]);
  });

  it('rejects with STOPPED if it is stopped meanwhile, even if the store hangs', async () => {
    const pod = world.pod('a');
    pod.line.breaks('hangs', 'heartbeat');
    const starting = pod.fleet.heartbeat.start();
    const failed = expect(starting).rejects.toMatchObject({ code: 'STOPPED' });
    await world.runtime.settle();
    await world.runtime.until(pod.fleet.heartbeat.stop());
    await failed;
    expect(await world.store.fleet()).toEqual([]);
    expect(pod.runtime.pending).toBe(0);
  });

  it('does not start after a stop', async () => {
    const pod = world.pod('a');
    await pod.fleet.heartbeat.stop();
    await expect(pod.fleet.heartbeat.start()).rejects.toMatchObject({ code: 'STOPPED' });
    expect(pod.line.calls).toEqual([]);
  });
});

describe('a pod that stops', () => {
  it('leaves once', async () => {
    const [a, b] = [await world.started('a'), await world.started('b')];
    await world.runtime.until(Promise.all([a.stop(), a.stop()]));
    expect(a.line.count('leave')).toBe(1);
    expect((await world.store.fleet()).map(({ pod }) => pod.podId)).toEqual(['b']);
    expect(a.recorded.names).toEqual(['pod:joined', 'leader:elected', 'pod:left', 'leader:lost']);
    expect(a.runtime.pending).toBe(0);
    await world.advance(2_000);
    expect(b.recorded.of('pod:left')).toEqual([a.pod]);
    expect(b.fleet.elector.isLeader).toBe(true);
  });

  it.each(['fails', 'hangs'] as const)('ends within a bounded time, though the store %s', async (fault) => {
    const pod = await world.started('a');
    pod.line.breaks(fault);
    await world.advance(2_000); // a heartbeat is open, or its retry
    await world.runtime.until(pod.fleet.heartbeat.stop(), 5_000);
    await world.runtime.until(pod.stop());
    expect(pod.runtime.pending).toBe(0);
  });

  it('publishes at once that it must not lead', async () => {
    const [a, b] = [await world.started('a'), await world.started('b')];
    a.fleet.heartbeat.drain();
    await world.advance(0);
    expect(a.fleet.elector.isLeader).toBe(false);
    b.fleet.heartbeat.beatNow();
    await world.advance(0);
    expect(b.fleet.elector.isLeader).toBe(true);
  });

  it('does not lead while it drains, and goes on sending heartbeats', async () => {
    const [a, b] = [await world.started('a'), await world.started('b')];
    a.fleet.heartbeat.drain();
    await world.advance(30_000);
    expect([a.fleet.elector.isLeader, b.fleet.elector.isLeader]).toEqual([false, true]);
    expect(await world.store.fleet()).toHaveLength(2);
    expect(reasons(a)).toEqual([]);
  });
});

describe('an answer', () => {
  it('gives the pool its snapshot from before the heartbeat, and what the store says it holds', async () => {
    const pod = await world.started('a');
    await world.submit(3);
    const claims = await world.claim(pod.pod, 2);
    pod.pool.reconciled.length = 0;
    const [take, taken] = [pod.pool.snapshot.bind(pod.pool), [] as string[]];
    pod.pool.snapshot = () => (taken.push('snapshot'), take());
    pod.line.before('heartbeat', () => taken.push('heartbeat'));
    await world.advance(2_000);
    const [last] = pod.pool.reconciled;
    expect(last?.snapshot).toEqual({ takenAt: 2 });
    expect(taken).toEqual(['snapshot', 'heartbeat']);
    const fences = claims.map(({ stepId, claimToken, version }) => ({ stepId, claimToken, version }));
    expect(last?.held).toHaveLength(2);
    expect(last?.held).toEqual(expect.arrayContaining(fences));
  });

  it('makes every pod emit who joined and left, but not who was there before', async () => {
    const a = await world.started('a');
    const b = await world.started('b');
    await world.advance(2_000);
    await world.runtime.until(b.stop());
    await world.advance(2_000);
    expect(a.recorded.of('pod:joined').map(({ podId }) => podId)).toEqual(['a', 'b']);
    expect(b.recorded.of('pod:joined').map(({ podId }) => podId)).toEqual(['b']);
    expect(a.recorded.of('pod:left')).toEqual([b.pod]);
    expect(b.recorded.of('leader:lost')).toEqual([]); // it never led
    expect([b.fleet.leader, b.fleet.elector.pods]).toEqual([undefined, []]);
  });
});

describe('an outage', () => {
  it('is reported once when it begins and once when it is over; the pod fences itself and comes back as it was', async () => {
    const pod = await world.started('a');
    const { incarnation } = pod.pod;
    pod.line.breaks('fails');
    await world.advance(60_000);
    expect(reasons(pod)).toEqual(['silent']);
    expect(pod.health().problems).toContain('the pod is fenced: silent');
    expect(pod.fleet.elector.isLeader).toBe(false);
    pod.line.heals();
    await world.advance(2_000);
    expect(pod.pool.calls).toEqual([`admit ${incarnation}`, 'fence', `admit ${incarnation}`]);
    const outages = pod.recorded.all.filter(({ payload }) => payload.operation === 'heartbeat');
    expect(outages.map(({ name }) => name)).toEqual(['store:error', 'store:recovered']);
    expect(pod.health().status).toBe('healthy');
    expect(pod.fleet.elector.isLeader).toBe(true);
  });

  it('in which a call hangs fences the pod no later, and ends when the next call is answered', async () => {
    const pod = await world.started('a');
    pod.line.breaks('hangs', 'heartbeat');
    await world.advance(11_300);
    expect(reasons(pod)).toEqual(['silent']);
    pod.line.heals(3_600_000);
    await world.advance(15_000);
    expect(pod.fleet.mayProceed()).toBe(true);
  });

  it('evicts no pod, however long, if it affects the whole fleet', async () => {
    const pods = [await world.started('a'), await world.started('b'), await world.started('c')];
    await world.advance(10_000);
    for (const { line } of pods) line.breaks('fails');
    await world.advance(300_000);
    for (const { line } of pods) line.heals();
    await world.advance(60_000);
    for (const pod of pods) {
      expect(reasons(pod)).toEqual(['silent']);
      expect(pod.recorded.of('pod:dead')).toEqual([]);
      expect(pod.line.count('register')).toBe(1);
      expect(pod.fleet.mayProceed()).toBe(true);
    }
  });

  it('evicts no pod, though calls fail for some pods and hang for others, which notice later that it is over', async () => {
    const [quick, slow] = [await world.started('quick'), await world.started('slow')];
    quick.line.breaks('fails');
    slow.line.breaks('hangs');
    await world.advance(60_000);
    quick.line.heals();
    slow.line.heals(8_000);
    await world.advance(60_000);
    expect([...quick.recorded.of('pod:dead'), ...slow.recorded.of('pod:dead')]).toEqual([]);
    expect([reasons(quick), reasons(slow)]).toEqual([['silent'], ['silent']]);
  });

  it('evicts no pod if every reply is lost for a while', async () => {
    const pods = [await world.started('a'), await world.started('b')];
    for (const { line } of pods) line.breaks('loses');
    await world.advance(60_000);
    for (const { line } of pods) line.heals();
    await world.advance(20_000);
    expect(pods.flatMap(({ recorded }) => recorded.of('pod:dead'))).toEqual([]);
  });

  it('may lose the reply to a registration: the next registration is the same', async () => {
    const pod = await world.started('a');
    const other = await world.started('b');
    pod.kill();
    await world.advance(40_000);
    pod.line.breaks('loses', 'register');
    pod.runtime.thaw();
    await world.advance(4_000);
    pod.line.heals();
    await world.advance(4_000);
    expect(pod.line.count('register')).toBeGreaterThan(2);
    expect(other.fleet.elector.pods.map((each) => each.pod)).toEqual(expect.arrayContaining([pod.pod, other.pod]));
    expect(other.fleet.elector.pods).toHaveLength(2);
  });
});

describe('a freeze', () => {
  it('that is long enough for an eviction brings the pod back as a new incarnation', async () => {
    const [a, b] = [await world.started('a'), await world.started('b')];
    const before = a.pod;
    await world.advance(10_000);
    a.kill();
    await world.advance(40_000);
    expect(b.recorded.of('pod:dead')).toEqual([{ ...before, silentForMs: expect.any(Number), reason: 'silent' }]);
    expect(b.recorded.of('pod:dead')[0]?.silentForMs).toBeGreaterThan(15_000);
    a.runtime.thaw();
    expect(a.fleet.mayProceed()).toBe(false);
    await world.advance(2_000);
    const after = a.pod;
    expect(after.incarnation).not.toBe(before.incarnation);
    expect(reasons(a)).toEqual(['frozen', 'evicted']);
    expect(a.pool.calls).toEqual([`admit ${before.incarnation}`, 'fence', 'fence', `admit ${after.incarnation}`]);
    expect(a.recorded.of('pod:joined').at(-1)).toEqual(after);
    expect(a.recorded.of('pod:left')).toEqual([before]);
    expect([a.fleet.elector.isLeader, b.fleet.elector.isLeader]).toEqual([false, true]);
    expect(a.fleet.mayProceed()).toBe(true);
    const known = (globalThis as { [KEY]?: Map<string, unknown> })[KEY];
    expect([before, after].map(({ incarnation }) => known?.has(incarnation) ?? false)).toEqual([false, false]); // not of this process
  });

  it('that is shorter lets the pod go on as it was, after a heartbeat', async () => {
    const pod = await world.started('a');
    pod.runtime.freeze();
    await world.advance(8_000);
    pod.runtime.thaw();
    await world.advance(10);
    expect(pod.pool.calls.slice(1)).toEqual(['halt', `admit ${pod.pod.incarnation}`]);
    expect(pod.line.count('register')).toBe(1);
  });

  it('is noticed before the next heartbeat is sent, whichever timer comes first', async () => {
    const pod = await world.started('a');
    const { pool } = pod;
    const take = pool.snapshot.bind(pool);
    const calls: (string | undefined)[] = [];
    pool.snapshot = () => (calls.push(pool.calls.at(-1)), take());
    for (let offset = 0; offset < 20; offset++) {
      await world.advance(10_000 + 110 * offset);
      pod.runtime.freeze();
      await world.advance(8_000);
      calls.length = 0;
      pod.runtime.thaw();
      await world.advance(10);
      expect(calls[0]).toBe('halt');
    }
  });

  it('that ends before the next heartbeat is due brings it at once', async () => {
    const pod = await world.started('a', { heartbeatIntervalMs: 5_000, deadAfterMs: 15_000 });
    await world.advance(500);
    pod.runtime.freeze();
    await world.advance(3_500);
    pod.runtime.thaw();
    await world.advance(10);
    expect(pod.pool.calls.slice(1)).toEqual(['halt', `admit ${pod.pod.incarnation}`]);
  });

  it('that ended in an eviction: a registration of the old incarnation does not count for the new one', async () => {
    const pod = world.pod('a');
    await world.started('b');
    pod.line.delays(5_000, 'register');
    await world.runtime.until(pod.start()); // with a second registration, which is still open
    expect(pod.line.count('register')).toBe(2);
    pod.runtime.freeze('stops');
    await world.advance(60_000);
    pod.line.delays(0, 'register');
    pod.runtime.thaw();
    await world.advance(1_200); // it notices, and the second registration has not been answered yet
    expect(pod.line.count('register')).toBe(3);
    expect(pod.pool.calls.at(-1)).toBe(`admit ${pod.pod.incarnation}`);
  });

  it('that ends in an eviction costs no more time the next time', async () => {
    const pod = await world.started('a');
    await world.started('b');
    const lives = new Set([pod.pod.incarnation]);
    for (let times = 1; times <= 3; times++) {
      await world.advance(30_000);
      pod.kill();
      await world.advance(40_000);
      pod.runtime.thaw();
      await world.advance(10);
      lives.add(pod.pod.incarnation);
      expect(lives.size).toBe(times + 1);
      expect(pod.fleet.mayProceed()).toBe(true);
    }
  });

  it('or an outage that ends in an eviction: the pod joins again at the instant when it learns of it', async () => {
    const pod = await world.started('a');
    await world.started('b');
    const [evicted, joins]: [number[], number[]] = [[], []];
    for (let times = 0; times < 3; times++) {
      await world.advance(30_000);
      pod.line.breaks('fails', 'heartbeat');
      await world.advance(40_000);
      pod.line.heals();
      pod.line.before('register', () => joins.push(world.runtime.monotonicMs()));
      pod.line.after('heartbeat', (view: FleetView) => {
        if (view.pods.every((each) => each.pod.podId !== 'a')) evicted.push(world.runtime.monotonicMs());
        return view;
      });
      await world.advance(4_000);
    }
    expect(evicted).toHaveLength(3);
    expect(joins).toEqual(evicted);
  });

  it('that ended in an eviction: an answer to the old incarnation says nothing about the new one', async () => {
    const pod = await world.started('a');
    await world.started('b');
    await world.advance(5_000);
    pod.kill();
    await world.advance(40_000);
    pod.runtime.thaw();
    pod.line.delays(5_000, 'heartbeat');
    await world.advance(4_900); // a second one has been sent by now
    expect(pod.line.count('register')).toBe(1);
    pod.line.delays(0, 'heartbeat');
    await world.advance(150);
    expect(pod.pool.calls.at(-1)).toBe(`admit ${pod.pod.incarnation}`);
    await world.advance(20_000);
    expect(pod.line.count('register')).toBe(2);
    expect(reasons(pod)).toEqual(['frozen', 'evicted']);
  });

  it('does not end with the answer to a heartbeat that was sent before it', async () => {
    const pod = await world.started('a');
    pod.line.delays(200, 'heartbeat');
    pod.fleet.heartbeat.beatNow();
    await world.advance(100);
    pod.runtime.freeze();
    await world.advance(8_000);
    pod.runtime.thaw();
    const admitted = pod.pool.calls.length;
    const judged = pod.pool.reconciled.length;
    const beats = pod.line.count('heartbeat');
    pod.line.before('heartbeat', () => expect(pod.pool.calls.slice(admitted)).toEqual(['halt']));
    await world.advance(250);
    expect(pod.line.count('heartbeat')).toBe(beats + 1);
    expect(pod.pool.calls.slice(admitted)).toEqual(['halt', `admit ${pod.pod.incarnation}`]);
    expect(pod.pool.reconciled.length).toBe(judged + 1); // by the answer from after the freeze alone
  });
});

it('a pod that the store never shows tries to join again at its interval', async () => {
  const pod = await world.started('a');
  pod.line.after('heartbeat', (view: FleetView) => ({ ...view, pods: [] }));
  pod.line.before('register', () => pod.line.count('register') > 20 && pod.line.breaks('hangs', 'register')); // spins
  await world.advance(20_000);
  expect(pod.line.count('register')).toBeGreaterThan(8);
  expect(pod.line.count('register')).toBeLessThan(14);
});

it('an answered heartbeat counts from when it was sent', async () => {
  const pod = await world.started('a');
  pod.line.delays(1_500, 'heartbeat');
  pod.fleet.heartbeat.beatNow();
  await world.advance(1_500);
  expect(pod.fleet.fence.silentForMs).toBe(1_500);
});

describe('what a pod has watched of a dead peer', () => {
  /** A leader that has watched a dead pod for 12 s, of the 15 s that it may be silent. */
  const watching = async () => {
    const [leader, dead] = [await world.started('a', { recoveryIntervalMs: 1_000 }), await world.started('b')];
    dead.kill();
    await world.advance(12_000);
    return leader;
  };
  const deaths = (leader: Awaited<ReturnType<typeof watching>>) => leader.recorded.of('pod:dead').length;

  it('counts', async () => {
    const leader = await watching();
    await world.advance(6_000);
    expect(deaths(leader)).toBe(1);
  });

  it.each(['fails', 'takes long'])('does not count while its own heartbeat %s', async (how) => {
    const leader = await watching();
    if (how === 'fails') leader.line.breaks('fails', 'heartbeat');
    else leader.line.delays(3_000, 'heartbeat');
    await world.advance(1_990);
    leader.line.heals();
    await world.advance(8_510);
    expect(deaths(leader)).toBe(0);
    await world.advance(12_000);
    expect(deaths(leader)).toBe(1);
  });

  it('still counts after the pod itself was frozen', async () => {
    const leader = await watching();
    leader.runtime.freeze();
    await world.advance(4_500);
    leader.runtime.thaw();
    await world.advance(6_000);
    expect(deaths(leader)).toBe(1);
  });

  it('is void after the pod itself was silent', async () => {
    const leader = await watching();
    leader.line.breaks('hangs');
    await world.advance(14_000);
    expect(reasons(leader)).toEqual(['silent']);
    leader.line.heals();
    await world.advance(17_000);
    expect(deaths(leader)).toBe(0);
    await world.advance(15_000);
    expect(deaths(leader)).toBe(1);
  });
});

describe('two pods with one podId', () => {
  it('make the elder drain, leave, and not register again', async () => {
    const elder = await world.started('api');
    elder.pool.load = { ...elder.pool.load, running: 1 };
    const younger = await world.started('api');
    await world.advance(10_000);
    expect(elder.recorded.of('pod:fenced')).toEqual([{ ...elder.pod, reason: 'superseded', recoverable: false }]);
    expect(elder.pool.calls.slice(1)).toEqual(['retire']);
    expect(elder.line.count('leave')).toBe(0); // it still holds something
    expect(elder.fleet.leader).toBeUndefined(); // and gets no more views of the fleet
    expect([elder.fleet.elector.isLeader, younger.fleet.elector.isLeader]).toEqual([false, true]);
    elder.pool.load = { ...elder.pool.load, running: 0 };
    await world.advance(5_000);
    expect(elder.line.count('leave')).toBe(1);
    await world.advance(120_000);
    expect(elder.line.count('register')).toBe(1);
    expect(elder.pool.calls.filter((call) => call.startsWith('admit'))).toHaveLength(1);
    expect(reasons(younger)).toEqual([]);
    expect(await world.store.fleet()).toHaveLength(1);
  });

  it('let the elder leave with its second heartbeat without a claim, so that the last outcomes get their receipts', async () => {
    const elder = await world.started('api');
    elder.pool.load = { ...elder.pool.load, unsettled: 1 };
    await world.advance(10);
    await world.started('api');
    await world.advance(10_000);
    const beats = elder.line.count('heartbeat');
    elder.line.before('leave', () => expect(elder.line.count('heartbeat')).toBe(beats + 2));
    elder.pool.load = { ...elder.pool.load, unsettled: 0 };
    await world.advance(10_000);
    expect([elder.line.count('leave'), elder.line.count('heartbeat')]).toEqual([1, beats + 2]);
    await world.runtime.until(elder.stop());
    expect(elder.line.count('leave')).toBe(1);
  });

  it.each(['running', 'unstarted', 'unsettled'] as const)(
    'do not let the elder leave while a claim is %s',
    async (state) => {
      const elder = await world.started('api');
      elder.pool.load = { ...elder.pool.load, [state]: 1 };
      await world.started('api');
      await world.advance(10_000);
      expect(elder.line.count('leave')).toBe(0);
      elder.pool.load = { ...elder.pool.load, [state]: 0 };
      await world.advance(10_000);
      expect(elder.line.count('leave')).toBe(1);
    },
  );

  it('let the elder leave in the end, though a handler never returns', async () => {
    const elder = await world.started('api', { drainTimeoutMs: 10_000, abortGraceMs: 1_000 });
    elder.pool.load = { ...elder.pool.load, running: 1 };
    await world.started('api');
    elder.fleet.heartbeat.beatNow();
    await world.advance(7_500);
    expect(elder.pool.calls.slice(1)).toEqual(['retire']); // what runs has the drain time
    await world.advance(2_500);
    expect(elder.pool.calls.at(-1)).toBe('fence permanently'); // within the drain time
    await world.advance(6_000);
    expect(elder.line.count('leave')).toBe(1);
  });

  it('let the elder go on draining after a freeze', async () => {
    const elder = await world.started('api');
    elder.pool.load = { ...elder.pool.load, running: 1 };
    await world.advance(10);
    await world.started('api');
    elder.fleet.heartbeat.beatNow();
    await world.advance(1_000);
    expect(elder.pool.calls.slice(1)).toEqual(['retire']);
    elder.runtime.freeze();
    await world.advance(8_000);
    elder.runtime.thaw();
    await world.advance(10);
    expect(elder.pool.calls.slice(1)).toEqual(['retire', 'retire']);
  });

  it('do not bring back an elder that was evicted', async () => {
    const elder = await world.started('api');
    const other = await world.started('other');
    await world.advance(4_000);
    elder.kill();
    await world.advance(40_000);
    expect(other.recorded.of('pod:dead')).toHaveLength(1);
    await world.started('api');
    elder.runtime.thaw();
    await world.advance(30_000);
    expect(reasons(elder)).toEqual(['frozen', 'superseded']);
    expect(elder.line.count('register')).toBe(1);
    expect(elder.pool.calls.at(-1)).toBe('fence permanently');
  });

  it('do not fence each other without end, even if they are three', async () => {
    const pods = [];
    for (let i = 0; i < 3; i++) {
      pods.push(await world.started('api'));
      await world.advance(10);
    }
    await world.advance(60_000);
    expect(pods.map((pod) => reasons(pod))).toEqual([['superseded'], ['superseded'], []]);
    expect(await world.store.fleet()).toHaveLength(1);
  });

  it('do not let a predecessor that died supersede its restart', async () => {
    const before = await world.started('a');
    before.kill();
    const after = await world.started('a');
    await world.advance(60_000);
    expect(reasons(after)).toEqual([]);
    expect(after.recorded.of('pod:dead')).toMatchObject([before.pod]);
  });
});

it('a pod older than the store allows drains permanently', async () => {
  const pod = await world.started('a');
  pod.line.after('heartbeat', (view) => ({ ...view, outdated: true }));
  await world.advance(8_000);
  expect(pod.recorded.of('pod:fenced')).toMatchObject([{ reason: 'outdated', recoverable: false }]);
  expect(pod.line.count('leave')).toBe(1);
  expect(await world.store.fleet()).toEqual([]);
});

it('an evicted pod that is older than the store allows does not try to join again', async () => {
  const [pod] = [await world.started('a'), await world.started('b')];
  pod.kill();
  await world.advance(40_000);
  pod.line.before('register', () => {
    throw new StoreError('STORE_SCHEMA_NEWER', 'update fleet-q', false);
  });
  const warn = vi.spyOn(log, 'warn');
  pod.runtime.thaw();
  await world.advance(60_000);
  const messages = warn.mock.calls.map(([, message]) => message);
  warn.mockRestore();
  expect(messages).toContain('evicted pod cannot join the fleet again; draining and leaving');
  expect(messages).not.toContain('heartbeat failed; sending it again');
  expect(messages).not.toContain('evicted pod could not join the fleet again; trying again');
  expect(pod.recorded.of('pod:fenced').at(-1)).toMatchObject({ reason: 'outdated', recoverable: false });
  expect(pod.line.count('register')).toBe(2);
  expect(pod.fleet.heartbeat.hasLeft).toBe(true);
  expect(await world.store.fleet()).toMatchObject([{ pod: { podId: 'b' } }]);
});

it('an evicted pod whose registration is refused says so, and joins as soon as it can', async () => {
  const pod = await world.started('a');
  await world.started('b');
  pod.kill();
  await world.advance(40_000);
  pod.line.before('register', () => {
    throw new StoreError('STORE_REFUSED', 'not now', false);
  });
  vi.spyOn(log, 'writes').mockReturnValue(true);
  const warn = vi.spyOn(log, 'warn');
  pod.runtime.thaw();
  pod.recorded.forget();
  await world.advance(3_000);
  const refused = warn.mock.calls.filter(([fields]) => 'retryInMs' in fields);
  expect(refused.length).toBeGreaterThan(0);
  for (const [fields, message] of refused) {
    expect(message).toBe('evicted pod could not join the fleet again; trying again');
    expect(fields).toMatchObject({ error: { code: 'STORE_REFUSED' } });
    expect(fields).not.toHaveProperty('event'); // no heartbeat was sent
  }
  pod.line.heals();
  await world.advance(5_000);
  expect(pod.recorded.of('pod:joined').filter(({ podId }) => podId === 'a')).toHaveLength(1);
});

describe('a wall clock', () => {
  it('that is set forward by an hour costs one fence and one heartbeat; the fleet goes on', async () => {
    const [a, b] = [await world.started('a'), await world.started('b')];
    await world.advance(5_000);
    a.runtime.shiftWall(3_600_000);
    await world.advance(60_000);
    expect(reasons(a)).toEqual(['frozen']);
    expect(a.pool.calls).toHaveLength(3);
    expect([a, b].flatMap(({ recorded }) => recorded.of('pod:dead'))).toEqual([]);
    expect(a.line.count('register')).toBe(1);
  });

  it('that is set back by an hour costs nothing', async () => {
    const [a, b] = [await world.started('a'), await world.started('b')];
    await world.advance(5_000);
    a.runtime.shiftWall(-3_600_000);
    await world.advance(60_000);
    expect(reasons(a)).toEqual([]);
    expect([a, b].flatMap(({ recorded }) => recorded.of('pod:dead'))).toEqual([]);
  });
});

describe('heartbeat:completed', () => {
  it('is emitted for each heartbeat, with how long it took', async () => {
    const pod = await world.started('a');
    pod.line.delays(40, 'heartbeat');
    pod.recorded.forget();
    pod.fleet.heartbeat.beatNow();
    await world.advance(40);
    expect(pod.recorded.of('heartbeat:completed')).toEqual([{ ...pod.pod, durationMs: 40, error: undefined }]);
  });

  it('has the error of a heartbeat that failed', async () => {
    const pod = await world.started('a');
    pod.line.breaks('fails', 'heartbeat');
    pod.recorded.forget();
    pod.fleet.heartbeat.beatNow();
    await world.advance(0);
    const [failed] = pod.recorded.of('heartbeat:completed');
    expect(failed).toMatchObject({ ...pod.pod, durationMs: 0, error: { code: 'STORE_UNAVAILABLE' } });
  });

  it('is not emitted for a heartbeat that ends with the pod', async () => {
    const pod = await world.started('a');
    pod.line.breaks('hangs', 'heartbeat');
    pod.fleet.heartbeat.beatNow();
    pod.recorded.forget();
    await world.runtime.until(pod.stop());
    expect(pod.recorded.of('heartbeat:completed')).toEqual([]);
  });
});

describe('health of the heartbeat loop', () => {
  it('is live during an outage in which no heartbeat is answered, at any moment', async () => {
    const pod = await world.started('a');
    pod.line.breaks('hangs');
    for (let seconds = 0; seconds < 120; seconds++) {
      await world.advance(1_000);
      expect(pod.health().live, `after ${seconds} s`).toBe(true);
    }
    expect(pod.health()).toMatchObject({ ready: false, reasons: ['fenced', 'silent'] });
  });

  it('is not live within 15 s after its timer is lost, even if its interval is long', async () => {
    const pod = world.pod('a', { heartbeatIntervalMs: 30_000, deadAfterMs: 180_000 });
    const { runtime } = pod;
    const after = runtime.after.bind(runtime);
    runtime.after = (ms: number, call: () => void) => (ms > 10_000 ? { cancel: () => undefined } : after(ms, call));
    await world.runtime.until(pod.start());
    await world.advance(36_000); // due after 27 to 30 s
    expect(pod.health()).toMatchObject({ live: true, ready: true });
    await world.advance(9_000);
    expect(pod.health()).toMatchObject({ live: false, ready: false, reasons: ['heartbeat-stuck'] });
  });

  it('is live when it is asked right after the event loop was blocked', async () => {
    const pod = await world.started('a');
    await world.advance(2_000);
    pod.kill(); // no timer of this process gets a turn
    await world.advance(60_000);
    expect(pod.health().live).toBe(true);
  });
});

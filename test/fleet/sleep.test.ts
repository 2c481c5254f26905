import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SleepyStore } from './support/sleepy-store.js';
import { World, type Member } from './support/world.js';

let world: World;
let sleepy: SleepyStore;
beforeEach(async () => {
  world = new World();
  sleepy = new SleepyStore();
  await world.open();
});
afterEach(() => world.close());

async function started(podId: string, settings: Parameters<World['pod']>[1] = {}): Promise<Member> {
  const pod = world.pod(podId, settings, sleepy.over(world.connection()));
  await world.runtime.until(pod.start());
  await pod.fleet.sleep.start();
  await world.advance(0);
  return pod;
}

/** An exchange found nothing to do, at this moment. */
async function looksQuiet(pod: Member, nextDueInMs: number | null = null): Promise<void> {
  const now = pod.runtime.monotonicMs();
  pod.pool.quiet({ startedAt: now, endedAt: now, census: String(sleepy.rows), nextDueInMs });
  await world.advance(0);
}

async function quietFor(pod: Member, ms: number, nextDueInMs: number | null = null): Promise<void> {
  for (let passed = 0; passed <= ms; passed += 1_000) {
    await looksQuiet(pod, nextDueInMs);
    await world.advance(1_000);
  }
}

async function asleep(podId: string, nextDueInMs: number | null = null): Promise<Member> {
  const pod = await started(podId);
  await quietFor(pod, 33_000, nextDueInMs);
  expect(pod.fleet.sleep.asleep).toBe(true);
  return pod;
}

const reasons = (pod: Member) => pod.recorded.of('pod:awake').map(({ reason }) => reason);
const viewOf = async (pod: Member) =>
  (await world.store.fleet()).find((view) => view.pod.incarnation === pod.pod.incarnation);

describe('a pod that has nothing to do', () => {
  it('falls asleep, says so to the fleet and to listeners, and sends no heartbeat any more', async () => {
    const pod = await asleep('a');
    expect(await viewOf(pod)).toMatchObject({ asleep: true, eligible: false });
    expect(pod.recorded.of('pod:asleep')).toEqual([{ ...pod.pod, nextDueInMs: null }]);
    expect(pod.health()).toMatchObject({ status: 'healthy', asleep: true, isLeader: false });
    const beats = pod.line.count('heartbeat');
    await world.advance(3_000_000);
    expect(pod.line.count('heartbeat')).toBe(beats);
    expect(pod.recorded.of('pod:fenced')).toEqual([]);
  });

  it('stays awake while looks are quiet for less than the gap', async () => {
    const pod = await started('a');
    await quietFor(pod, 28_000);
    expect(pod.fleet.sleep.asleep).toBe(false);
  });

  it('counts anew when an exchange finds work, when this process submits, and when the token moves', async () => {
    const pod = await started('a');
    for (const end of [
      () => pod.pool.quiet(undefined),
      () => pod.pool.work(),
      () => {
        sleepy.token += 'x';
      },
    ]) {
      await quietFor(pod, 20_000);
      end();
      await quietFor(pod, 20_000);
      expect(pod.fleet.sleep.asleep).toBe(false);
      pod.pool.work();
    }
  });

  it('stays awake while its pool holds something', async () => {
    const pod = await started('a');
    pod.pool.maySleep = false;
    await quietFor(pod, 60_000);
    expect(pod.fleet.sleep.asleep).toBe(false);
    expect(pod.recorded.of('pod:asleep')).toEqual([]);
  });

  it.each(['fails', 'loses', 'hangs'] as const)(
    'stays awake and works on if its announcement %s, and tells nobody that it slept',
    async (fault) => {
      const pod = await started('a');
      await quietFor(pod, 30_000);
      pod.line.breaks(fault, 'heartbeat');
      await quietFor(pod, 20_000);
      pod.line.heals();
      await world.advance(20_000);
      expect(pod.fleet.sleep.asleep).toBe(false);
      expect(await viewOf(pod)).toMatchObject({ asleep: false });
      expect(pod.pool.calls.at(-1)).toBe(`admit ${pod.pod.incarnation}`);
      expect(pod.recorded.of('pod:asleep')).toEqual([]);
      expect(pod.recorded.of('pod:awake')).toEqual([]);
    },
  );

  it('does not announce its sleep if a step is submitted here while the announcement is on its way', async () => {
    const pod = await started('a');
    pod.line.before('heartbeat', () => {
      if (pod.pool.calls.at(-1) === 'sleep') pod.pool.work();
    });
    await quietFor(pod, 33_000);
    await world.advance(2_000);
    expect(pod.fleet.sleep.asleep).toBe(false);
    expect(await viewOf(pod)).toMatchObject({ asleep: false });
    expect(pod.pool.calls.at(-1)).toBe(`admit ${pod.pod.incarnation}`);
  });
});

describe('a pod that sleeps', () => {
  it.each([
    ['change', () => void (sleepy.token = 'token-2'), 13_000],
    ['local', (pod: Member) => pod.pool.work(), 1_000],
    ['check', () => void sleepy.rows++, 3_610_000],
    ['look', () => undefined, 21_610_000],
  ] as const)('wakes by %s, as the incarnation that it was', async (reason, act, withinMs) => {
    const pod = await asleep('a');
    const { incarnation } = pod.pod;
    act(pod);
    await world.advance(withinMs);
    expect(reasons(pod)).toEqual([reason]);
    expect(pod.pod.incarnation).toBe(incarnation);
    expect(pod.pool.calls.slice(-2)).toEqual(['sleep', `admit ${incarnation}`]);
    expect(await viewOf(pod)).toMatchObject({ asleep: false });
    expect(pod.fleet.elector.isLeader).toBe(true);
  });

  it('wakes when the next step is due, and not before', async () => {
    const pod = await asleep('a', 600_000);
    await world.advance(580_000);
    expect(reasons(pod)).toEqual([]);
    await world.advance(20_000);
    expect(reasons(pod)).toEqual(['due']);
  });

  it.each(['fails', 'hangs'] as const)(
    'wakes when the next step is due though the question for the token %s',
    async (fault) => {
      sleepy.rhythm = { ...sleepy.rhythm, pollIntervalMs: 400_000 };
      const pod = await asleep('a', 600_000);
      pod.line.breaks(fault, 'pulse');
      await world.advance(610_000);
      expect(reasons(pod)).toEqual(['due']);
    },
  );

  it('looks in time though its wall clock is set back by a year', async () => {
    const pod = await asleep('a');
    pod.runtime.shiftWall(-31_536_000_000);
    await world.advance(21_700_000);
    expect(reasons(pod)).toEqual(['look']);
  });

  it('looks at a step that is due though the monotonic clock stood still while its machine was suspended', async () => {
    const pod = await asleep('a', 7_200_000);
    pod.runtime.shiftWall(7_200_000);
    await world.advance(15_000);
    expect(reasons(pod)).toEqual(['due']);
  });

  it('stays awake if it is fenced while its announcement is on its way', async () => {
    const pod = await started('a');
    await quietFor(pod, 30_000);
    pod.line.delays(11_000, 'heartbeat');
    await quietFor(pod, 30_000);
    pod.line.heals();
    await world.advance(30_000);
    expect(pod.recorded.of('pod:fenced')).not.toEqual([]);
    expect(pod.pool.calls.at(-1)).toBe(`admit ${pod.pod.incarnation}`);
    expect(await viewOf(pod)).toMatchObject({ asleep: false });
  });

  it('claims nothing until a heartbeat is answered', async () => {
    const pod = await asleep('a');
    pod.line.breaks('hangs', 'heartbeat');
    pod.pool.work();
    await world.advance(10_000);
    expect(pod.health()).toMatchObject({ status: 'healthy', asleep: false, reasons: [] });
    await world.advance(50_000);
    expect(pod.health()).toMatchObject({ status: 'unhealthy', reasons: ['silent'] });
    expect(pod.pool.calls.at(-1)).not.toContain('admit');
    expect(reasons(pod)).toEqual([]);
    pod.line.heals();
    await world.advance(20_000);
    expect(pod.pool.calls.at(-1)).toBe(`admit ${pod.pod.incarnation}`);
    expect(reasons(pod)).toEqual(['local']);
  });

  it('looks if the token cannot be read for as long as between two checks', async () => {
    const pod = await asleep('a');
    sleepy.pulseFails = true;
    await world.advance(3_500_000);
    expect(reasons(pod)).toEqual([]);
    await world.advance(120_000);
    expect(reasons(pod)).toEqual(['check']);
  });

  it('asks only for the token, and once an hour for the number of rows', async () => {
    const pod = await asleep('a');
    const calls = pod.line.calls.length;
    await world.advance(7_300_000);
    expect(new Set(pod.line.calls.slice(calls))).toEqual(new Set(['pulse', 'census']));
    expect(sleepy.censuses).toBe(2);
  });

  it('runs no recovery, also if it is forced to, and says why', async () => {
    const pod = await asleep('a');
    const forced = pod.fleet.recovery.run({ force: true });
    await expect(forced).rejects.toMatchObject({ code: 'NOT_LEADER', message: expect.stringContaining('is asleep') });
  });

  it('sends no heartbeat because something asks for one', async () => {
    const pod = await asleep('a');
    const beats = pod.line.count('heartbeat');
    pod.fleet.heartbeat.beatNow();
    await world.advance(60_000);
    expect(pod.line.count('heartbeat')).toBe(beats);
    expect(await viewOf(pod)).toMatchObject({ asleep: true });
  });

  it('leaves when it is stopped, also while a question is not answered', async () => {
    const pod = await asleep('a');
    pod.line.breaks('hangs', 'pulse');
    await world.advance(15_000);
    pod.fleet.heartbeat.drain();
    await world.runtime.until(pod.fleet.sleep.stop(), 5_000);
    await world.runtime.until(pod.stop());
    expect(await world.store.fleet()).toEqual([]);
  });

  it('is not evicted, and is neither fenced nor renewed, after its process stood still for hours', async () => {
    const [a, b] = [await asleep('a'), await started('b')];
    const { incarnation } = a.pod;
    a.runtime.freeze();
    await world.advance(7_200_000);
    expect(b.recorded.of('pod:dead')).toEqual([]);
    a.runtime.thaw();
    sleepy.token = 'token-2';
    await world.advance(20_000);
    expect(a.pod.incarnation).toBe(incarnation);
    expect(a.recorded.of('pod:fenced')).toEqual([]);
    expect(reasons(a)).toHaveLength(1);
  });
});

describe('a fleet that sleeps', () => {
  it('has its old leader again once all are awake, and evicts nobody, however slowly they wake', async () => {
    const pods = [await asleep('a'), await asleep('b'), await asleep('c')];
    const [a, b, c] = pods as [Member, Member, Member];
    b.pool.work();
    await world.advance(60_000);
    expect(b.fleet.elector.isLeader).toBe(true); // the only one that is awake
    c.pool.work();
    await world.advance(60_000);
    a.pool.work();
    await world.advance(10_000);
    expect(pods.map((pod) => pod.fleet.elector.isLeader)).toEqual([true, false, false]);
    for (const pod of pods) {
      expect(pod.recorded.of('pod:dead')).toEqual([]);
      expect(pod.recorded.of('pod:fenced')).toEqual([]);
    }
  });

  it('evicts a pod that died while all others slept when it wakes, and only the leader stays awake for that', async () => {
    const [a, b] = [await asleep('a'), await asleep('b')];
    const dead = await started('c', { heartbeatIntervalMs: 30_000, deadAfterMs: 120_000 });
    dead.kill();
    await world.advance(300_000);
    for (const pod of [a, b]) pod.pool.work();
    await world.advance(0);
    for (let passed = 0; passed < 60_000; passed += 1_000) {
      for (const pod of [a, b]) await looksQuiet(pod);
      await world.advance(1_000);
    }
    expect([a, b].map((pod) => pod.fleet.sleep.asleep)).toEqual([false, true]);
    await quietFor(a, 60_000);
    expect(a.recorded.of('pod:dead')).toMatchObject([{ podId: 'c', reason: 'silent' }]);
    expect(a.fleet.sleep.asleep).toBe(true);
  });

  it('recovers a step of a pod that dies at work after the others had slept', async () => {
    const [a, b] = [await asleep('a'), await started('b')];
    const [stepId = ''] = await world.submit(1);
    await world.claim(b.pod, 1);
    sleepy.token = 'token-2'; // any claim is a change
    b.kill();
    await world.advance(90_000);
    expect(reasons(a)).toEqual(['change']);
    expect(a.recorded.of('pod:dead')).toHaveLength(1);
    expect(await world.statuses([stepId])).toEqual({ pending: 1 });
  });
});

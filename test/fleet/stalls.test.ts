/**
 * Leaders that stall and stores that are away, again and again, by a seed: the dead are found within a bound, and no living
 * pod is taken for dead.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';
import { World, type Member } from './support/world.js';

let world: World;
beforeEach(async () => {
  world = new World();
  await world.open();
});
afterEach(() => world.close());

/** Whole numbers by a seed, from `least` up to, not including, `most`. */
function chances(seed: number): (least: number, most: number) => number {
  const dice = new VirtualRuntime({ seed });
  return (least, most) => least + Math.floor(dice.random() * (most - least));
}

const deaths = (pods: readonly Member[]) => pods.flatMap(({ recorded }) => recorded.of('pod:dead'));

const QUICK = { heartbeatIntervalMs: 100, deadAfterMs: 2_000, recoveryIntervalMs: 100 };
const TIGHT = { heartbeatIntervalMs: 100, deadAfterMs: 1_000, recoveryIntervalMs: 100 };
const DEFAULT = { heartbeatIntervalMs: 2_000, deadAfterMs: 15_000, recoveryIntervalMs: 5_000 };

describe.each([
  ['0.4 s every one or two seconds', QUICK, 400, [1_000, 2_000]],
  ['0.4 s, longer than a freeze may last unnoticed', TIGHT, 400, [1_000, 2_000]],
  ['0.4 s after every 0.3 s', TIGHT, 400, [300, 301]],
  ['5 s every five to ten seconds', DEFAULT, 5_000, [5_000, 10_000]],
  ['nearly dead-after, every few seconds', DEFAULT, 14_000, [1_000, 6_000]],
] as const)('a leader that stalls for %s', (_, timing, stallMs, [least, most]) => {
  it.each([1, 2, 3, 4])('finds the dead within the stated bound (seed %i)', async (seed) => {
    const chance = chances(seed);
    const leader = await world.started('leader', timing);
    const peer = await world.started('peer', timing);
    const stallOnce = async (): Promise<void> => {
      await world.advance(chance(least, most));
      leader.runtime.freeze();
      await world.advance(stallMs);
      leader.runtime.thaw();
    };
    for (let i = 0; i < 3; i++) await stallOnce();
    expect(deaths([leader])).toEqual([]);
    peer.kill();
    const diedAt = world.runtime.monotonicMs();
    const longestGapMs = stallMs + timing.heartbeatIntervalMs;
    const boundMs = (timing.deadAfterMs / timing.heartbeatIntervalMs + 2) * longestGapMs;
    while (deaths([leader]).length === 0 && world.runtime.monotonicMs() - diedAt < 2 * boundMs) await stallOnce();
    expect(deaths([leader])).toMatchObject([{ podId: 'peer', reason: 'silent' }]);
    expect(world.runtime.monotonicMs() - diedAt).toBeLessThanOrEqual(boundMs + stallMs + most);
  });
});

describe('a leader whose stalls delay the answers to its heartbeats', () => {
  /** Stalls by a seed until the peer that died is evicted. Returns how long that took, in dead-afters. */
  async function untilEvicted(pods: readonly Member[], { stallMs, awakeMs, latencyMs, seed }: Stalls): Promise<number> {
    const chance = chances(seed);
    const [leader, peer] = pods as [Member, Member];
    const around = (ms: number) => chance(0.8 * ms, 1.2 * ms);
    for (const { line } of pods) line.delays(latencyMs);
    let diedAt = Infinity;
    for (let round = 0; round < 200; round++) {
      await world.advance(around(awakeMs));
      leader.runtime.freeze();
      await world.advance(around(stallMs));
      leader.runtime.thaw();
      const now = world.runtime.monotonicMs();
      if (round === 5) {
        expect(deaths(pods)).toEqual([]);
        peer.kill();
        diedAt = now;
      }
      if (deaths(pods).length > 0) return (now - diedAt) / DEFAULT.deadAfterMs;
    }
    return Infinity;
  }

  interface Stalls {
    readonly stallMs: number;
    readonly awakeMs: number;
    readonly latencyMs: number;
    readonly seed: number;
  }

  /** The bound that the guide states, in dead-afters. */
  const BOUND = 5;
  const PATTERNS = [
    { stallMs: 1_000, awakeMs: 2_000, latencyMs: 300 },
    { stallMs: 1_000, awakeMs: 2_000, latencyMs: 1_500 },
    { stallMs: 800, awakeMs: 300, latencyMs: 1_500 },
    { stallMs: 1_500, awakeMs: 1_100, latencyMs: 1_500 },
    { stallMs: 3_000, awakeMs: 300, latencyMs: 300 },
  ].flatMap((pattern) => [1, 2, 3].map((seed) => ({ ...pattern, seed })));
  const HOW = 'for $stallMs ms after every $awakeMs ms, answered in $latencyMs ms (seed $seed)';

  it.each(PATTERNS)(`finds the dead though it is alone: ${HOW}`, async (stalls) => {
    const pods = [await world.started('leader', DEFAULT), await world.started('peer', DEFAULT)];
    expect(await untilEvicted(pods, stalls)).toBeLessThanOrEqual(BOUND);
  });

  it.each([1, 2, 3])(
    'finds the dead later if it is alone and fenced for its silence now and then (seed %i)',
    async (seed) => {
      const pods = [await world.started('leader', DEFAULT), await world.started('peer', DEFAULT)];
      const stalls = { stallMs: 3_000, awakeMs: 1_100, latencyMs: 1_500, seed };
      expect(await untilEvicted(pods, stalls)).toBeLessThanOrEqual(2 * BOUND);
      expect(pods[0]!.recorded.of('pod:fenced').length).toBeGreaterThan(3);
    },
  );

  const HEAVY = [
    { stallMs: 3_000, awakeMs: 1_100, latencyMs: 1_500, seed: 4 },
    { stallMs: 5_000, awakeMs: 1_000, latencyMs: 1_500, seed: 4 },
  ];
  it.each([...HEAVY, ...PATTERNS])(`finds the dead, or its successor does: ${HOW}`, async (stalls) => {
    const pods = [await world.started('leader', DEFAULT), await world.started('peer', DEFAULT)];
    pods.push(await world.started('third', DEFAULT));
    expect(await untilEvicted(pods, stalls)).toBeLessThanOrEqual(BOUND);
    expect(deaths(pods)).toMatchObject([{ podId: 'peer' }]);
  });

  it('leads on if it stalls for a third of the time', async () => {
    const [leader, next] = [await world.started('leader', DEFAULT), await world.started('next', DEFAULT)];
    await stallAgainAndAgain(leader, 2_000, 1_000);
    expect(leader.recorded.of('leader:lost')).toEqual([]);
    expect(next.fleet.elector.isLeader).toBe(false);
  });

  it('yields to a pod that does not stall, and leads again when its stalls are over', async () => {
    const [leader, next] = [await world.started('leader', DEFAULT), await world.started('next', DEFAULT)];
    const leaders = () => [leader, next].map(({ fleet }) => fleet.elector.isLeader);
    leader.line.delays(1_500);
    await stallAgainAndAgain(leader, 1_000, 3_500); // none is a freeze that fences it
    await world.advance(4_000);
    expect(leaders()).toEqual([false, true]);
    await world.advance(60_000);
    expect(leaders()).toEqual([true, false]);
  });

  it('yields if its heartbeats begin late', async () => {
    const [leader, next] = [await world.started('leader', DEFAULT), await world.started('next', DEFAULT)];
    await stallAgainAndAgain(leader, 1_000, 9_000);
    await world.advance(10_000); // it is not fenced any more
    expect([leader, next].map(({ fleet }) => fleet.elector.isLeader)).toEqual([false, true]);
  });

  async function stallAgainAndAgain(pod: Member, awakeMs: number, stallMs: number): Promise<void> {
    for (const end = world.runtime.monotonicMs() + 60_000; world.runtime.monotonicMs() < end;) {
      await world.advance(awakeMs);
      pod.runtime.freeze();
      await world.advance(stallMs);
      pod.runtime.thaw();
    }
  }
});

/** Any pod that is taken for dead, even for a moment, is evicted. */
const EAGER = { ...DEFAULT, recoveryIntervalMs: 200 };

/** An outage that affects each pod in its own way for a while. */
async function outage(pods: readonly Member[], chance: ReturnType<typeof chances>, forMs: number): Promise<void> {
  for (const { line } of pods) line.breaks((['fails', 'hangs', 'loses'] as const)[chance(0, 3)]!);
  await world.advance(forMs);
  for (const { line } of pods) line.heals(chance(0, 60_000)); // what hangs does so for longer than the outage
}

describe('a leader whose heartbeats fail or take long now and then', () => {
  /** The time within which a pod with the default intervals is heard again once the store answers it. */
  const HEARD_WITHIN = 7_750;

  async function disturbed(how: 'fails' | 'takes long', everyMs: number, forMs: number): Promise<Member> {
    const leader = await world.started('leader', EAGER);
    const peer = await world.started('peer', EAGER);
    await world.advance(1_000);
    peer.kill();
    for (const end = world.runtime.monotonicMs() + forMs; world.runtime.monotonicMs() < end;) {
      if (how === 'fails') leader.line.breaks('fails', 'heartbeat');
      else leader.line.delays(2_100, 'heartbeat');
      leader.fleet.heartbeat.beatNow();
      await world.advance(10);
      leader.line.heals();
      await world.advance(everyMs - 10);
    }
    return leader;
  }

  it.each(['fails', 'takes long'] as const)('takes no pod for dead if one %s too often', async (how) => {
    expect(deaths([await disturbed(how, HEARD_WITHIN, 600_000)])).toEqual([]);
  });

  it.each(['fails', 'takes long'] as const)('finds the dead if one %s less often', async (how) => {
    const leader = await disturbed(how, 2 * HEARD_WITHIN, 90_000);
    expect(deaths([leader])).toMatchObject([{ podId: 'peer', reason: 'silent' }]);
  });
});

describe('no living pod is taken for dead', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('by a store that is away again and again (seed %i)', async (seed) => {
    const chance = chances(seed);
    const pods: Member[] = [];
    for (const podId of ['a', 'b', 'c']) pods.push(await world.started(podId, EAGER));
    const before = pods.map(({ pod }) => pod.incarnation);
    const shortest = chance(0, 2) === 0 ? 50 : 3_000;
    for (const end = world.runtime.monotonicMs() + 900_000; world.runtime.monotonicMs() < end;) {
      await outage(pods, chance, chance(50, chance(0, 4) === 0 ? 60_000 : 6_000));
      await world.advance(chance(shortest, 12_000));
    }
    await world.advance(60_000);
    expect(deaths(pods)).toEqual([]);
    expect(pods.map(({ pod }) => pod.incarnation)).toEqual(before);
    expect(pods.filter(({ fleet }) => fleet.elector.isLeader)).toHaveLength(1);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('by leaders and peers that stall (seed %i)', async (seed) => {
    const chance = chances(seed);
    const pods: Member[] = [];
    for (const podId of ['a', 'b', 'c']) pods.push(await world.started(podId, EAGER));
    for (const end = world.runtime.monotonicMs() + 600_000; world.runtime.monotonicMs() < end;) {
      const stalled = pods.filter(() => chance(0, 2) === 0);
      for (const { line } of pods) line.delays(chance(0, 1_500)); // slow, too
      for (const { runtime } of stalled) runtime.freeze();
      await world.advance(chance(100, 9_000));
      for (const { runtime } of stalled) runtime.thaw();
      await world.advance(chance(1_600, 6_000));
    }
    expect(deaths(pods)).toEqual([]);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('by stalls and outages together (seed %i)', async (seed) => {
    const chance = chances(seed);
    const pods: Member[] = [];
    for (const podId of ['a', 'b', 'c']) pods.push(await world.started(podId, EAGER));
    for (const end = world.runtime.monotonicMs() + 600_000; world.runtime.monotonicMs() < end;) {
      const stalled = pods.filter(() => chance(0, 3) === 0);
      for (const { runtime } of stalled) runtime.freeze();
      await world.advance(chance(0, 2_000));
      await outage(pods, chance, chance(50, 3_000));
      await world.advance(chance(0, 2_000));
      for (const { runtime } of stalled) runtime.thaw();
      await world.advance(chance(500, 12_000));
    }
    await world.advance(60_000);
    expect(deaths(pods)).toEqual([]);
  });

  it.each([17, 18, 19, 20, 21])(
    'by a pod that starts right after an outage of %i s, while calls still hang',
    async (s) => {
      const pods = [await world.started('a', EAGER), await world.started('b', EAGER)];
      await world.advance(10_000);
      for (const { line } of pods) line.breaks('hangs');
      await world.advance(s * 1_000);
      for (const { line } of pods) line.heals(600_000);
      const late = await world.started('late', EAGER);
      await world.advance(60_000);
      expect(deaths([...pods, late])).toEqual([]);
    },
  );
});

describe('a heartbeat that is lost', () => {
  const RHYTHMS = [DEFAULT, { heartbeatIntervalMs: 30_000, deadAfterMs: 180_000, recoveryIntervalMs: 300_000 }];

  it.each(RHYTHMS)('fences no pod, nor do two in a row: every $heartbeatIntervalMs ms', async (timing) => {
    const pod = await world.started('a', timing);
    const resendMs = timing.deadAfterMs / 4;
    for (const lost of [1, 2]) {
      await world.advance(5 * timing.heartbeatIntervalMs);
      const before = pod.line.count('heartbeat');
      pod.line.breaks('hangs', 'heartbeat');
      while (pod.line.count('heartbeat') < before + lost) await world.advance(50);
      pod.line.heals(100 * timing.deadAfterMs);
      await world.advance(2 * resendMs);
    }
    await world.advance(2 * timing.deadAfterMs);
    expect(pod.recorded.of('pod:fenced')).toEqual([]);
    expect(pod.pool.calls).toEqual([`admit ${pod.pod.incarnation}`]);
  });

  it.each(RHYTHMS)('differs from one that only takes long: every $heartbeatIntervalMs ms', async (timing) => {
    const pod = await world.started('a', timing);
    pod.line.delays(timing.deadAfterMs / 3, 'heartbeat'); // a minute, with the longer intervals
    const before = pod.line.count('heartbeat');
    await world.advance(20 * timing.deadAfterMs);
    expect(pod.recorded.of('pod:fenced')).toEqual([]);
    expect(pod.line.count('heartbeat') - before).toBeLessThanOrEqual(20 * 4);
  });

  it.each(RHYTHMS)('is not followed by more and more of them: every $heartbeatIntervalMs ms', async (timing) => {
    const pod = await world.started('a', timing);
    pod.line.breaks('hangs', 'heartbeat');
    const before = pod.line.count('heartbeat');
    await world.advance(20 * timing.deadAfterMs);
    expect(pod.line.count('heartbeat') - before).toBeLessThanOrEqual(20 * 4);
    expect(pod.recorded.of('pod:fenced')).toMatchObject([{ reason: 'silent' }]);
  });
});

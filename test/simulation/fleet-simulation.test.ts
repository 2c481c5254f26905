/**
 * Whole pods on one clock and one file, under deaths, freezes, outages and clock steps by a seed. The seed repeats a
 * failure.
 */
import { describe, expect, it } from 'vitest';
import { VirtualHost } from '../support/virtual-host.js';
import type { SimulatedPod } from './simulated-pod.js';
import type { Simulation } from './simulation.js';
import { befallPod, expectNothingLost, useSimulation } from './use-simulation.js';

const DEAD_AFTER = 15_000;
const CYCLE = 5_000;
const BEAT = 2_000;

const { begin } = useSimulation();
let simulation: Simulation;

async function fleet(seed: number, pods: number, host?: VirtualHost): Promise<Simulation> {
  simulation = await begin(seed, host);
  for (let i = 0; i < pods; i++) {
    await simulation.add();
    await simulation.run(simulation.chance(0, 3_000));
  }
  return simulation;
}

describe('deaths', () => {
  it.each([1, 2, 3, 4])('requeue what a killed pod held, in time (seed %i)', async (seed) => {
    const { pods } = await fleet(seed, 4);
    for (let deaths = 0; deaths < 4; deaths++) {
      await simulation.submit(120);
      await simulation.run(simulation.chance(500, 4_000));
      const victim = simulation.pick(simulation.alive);
      victim?.kill();
      const diedAt = simulation.now;
      await simulation.run(DEAD_AFTER + 2 * CYCLE + BEAT);
      const held = (await simulation.steps()).filter(
        ({ status, claimedIncarnation }) => status === 'claimed' && victim?.incarnations.has(claimedIncarnation ?? ''),
      );
      expect(held, `killed at ${diedAt}`).toEqual([]);
      await simulation.add();
    }
    await simulation.run(60_000);
    await expectNothingLost(simulation);
    expect(pods.flatMap(({ recorded }) => recorded.of('pod:dead'))).toHaveLength(4);
    expect(pods.flatMap(({ recorded }) => recorded.of('step:failed'))).toEqual([]);
  });
});

describe('deaths of processes that the store can look up', () => {
  it.each([1, 2, 3, 4])('requeue what a killed pod held, within a heartbeat (seed %i)', async (seed) => {
    const { pods } = await fleet(seed, 4, new VirtualHost());
    for (let deaths = 0; deaths < 8; deaths++) {
      await simulation.submit(120);
      await simulation.run(simulation.chance(500, 4_000));
      const victim = simulation.pick(simulation.alive);
      victim?.kill();
      const diedAt = simulation.now;
      await simulation.run(BEAT);
      const held = (await simulation.steps()).filter(
        ({ status, claimedIncarnation }) => status === 'claimed' && victim?.incarnations.has(claimedIncarnation ?? ''),
      );
      expect(held, `killed at ${diedAt}`).toEqual([]);
      await simulation.add();
    }
    await simulation.run(60_000);
    await expectNothingLost(simulation);
    expect(pods.flatMap(({ recorded }) => recorded.of('pod:dead').map(({ reason }) => reason))).toEqual(
      Array.from({ length: 8 }, () => 'exited'),
    );
    expect(pods.flatMap(({ recorded }) => recorded.of('step:failed'))).toEqual([]);
  });

  it.each([1, 2, 3, 4])('let a fleet that is started again go on at once (seed %i)', async (seed) => {
    await fleet(seed, 3, new VirtualHost());
    await simulation.submit(30);
    await simulation.run(simulation.chance(200, 3_000));
    for (const pod of simulation.alive) pod.kill();
    const [next] = [await simulation.add('again')];
    await simulation.run(500);
    expect(next.isLeader).toBe(true);
    const steps = await simulation.steps();
    const held = steps.filter(({ status, claimedBy }) => status === 'claimed' && claimedBy !== 'again');
    expect(held).toEqual([]);
    await simulation.run(60_000);
    await expectNothingLost(simulation);
  });
});

describe.each([
  ['of which silence tells', () => undefined, [1, 2, 3, 4, 5, 6]],
  ['that can be looked up', () => new VirtualHost(), [1, 2, 3]],
])('everything at once, with deaths %s', (_, host, seeds) => {
  it.each(seeds)('loses nothing, settles nothing twice, evicts no living pod (seed %i)', async (seed) => {
    const { pods } = await fleet(seed, 4, host());
    for (let round = 0; round < 30; round++) {
      await simulation.submit(simulation.chance(0, 40));
      await befall(simulation.pick(simulation.alive));
      await simulation.run(simulation.chance(0, 12_000));
      for (const pod of simulation.alive) if (simulation.chance(0, 3) === 0) recover(pod);
      while (simulation.alive.length < 3) await simulation.add();
    }
    simulation.alive.forEach(recover);
    await simulation.run(120_000);
    await expectNothingLost(simulation);
    const leaders = simulation.alive.map(({ pod }) => pod.fleet.leader?.pod.incarnation);
    expect(new Set(leaders).size).toBe(1);
    expect(simulation.alive.filter(({ isLeader }) => isLeader)).toHaveLength(1);
    expect(simulation.alive.flatMap(({ pod }) => pod.health().problems)).toEqual([]);
    expect(pods.some(({ recorded }) => recorded.of('pod:dead').length > 0)).toBe(true);
  });
});

/** A random fault. */
async function befall(pod: SimulatedPod | undefined): Promise<void> {
  if (pod === undefined) return;
  const chance = simulation.chance(0, 8);
  await befallPod(simulation, pod, chance);
  if (chance === 6) await outage(simulation.chance(0, 60_000));
}

/** The store is away for every pod. */
async function outage(forMs: number): Promise<void> {
  for (const pod of simulation.alive) pod.cut('fails');
  await simulation.run(forMs);
  for (const pod of simulation.alive) pod.mend();
}

function recover(pod: SimulatedPod): void {
  if (pod.frozen) pod.thaw();
  if (pod.cutOff) pod.mend();
}

describe('an outage of the store', () => {
  it.each([1, 2, 3])('of five minutes evicts no pod, and every pod returns (seed %i)', async (seed) => {
    await fleet(seed, 5);
    await simulation.submit(400);
    await simulation.run(simulation.chance(1_000, 5_000));
    const before = simulation.alive.map(({ pod }) => pod.fleet.pod.incarnation);
    for (const pod of simulation.alive) pod.cut(simulation.pick(['fails', 'hangs', 'loses'] as const) ?? 'fails');
    await simulation.world.advance(300_000);
    for (const pod of simulation.alive) pod.mend();
    await simulation.run(180_000);
    expect(simulation.pods.flatMap(({ recorded }) => recorded.of('pod:dead'))).toEqual([]);
    expect(simulation.alive.map(({ pod }) => pod.fleet.pod.incarnation)).toEqual(before);
    await expectNothingLost(simulation);
  });
});

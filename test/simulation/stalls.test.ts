/** Whole pods of which the leader stalls again and again, by a seed: the dead are evicted all the same, and only they. */
import { describe, expect, it } from 'vitest';
import type { SimulatedPod } from './simulated-pod.js';
import type { Simulation } from './simulation.js';
import { expectNothingLost, useSimulation } from './use-simulation.js';

const { begin } = useSimulation();

const DEAD_AFTER = 15_000;
/** The bound that docs/guarantees.md states, in ms. */
const BOUND = 5 * DEAD_AFTER + 5_000;

/** How often, and for how long. */
interface Stalls {
  readonly awakeMs: number;
  readonly stallMs: number;
}

async function stallOnce(simulation: Simulation, pod: SimulatedPod, { awakeMs, stallMs }: Stalls): Promise<void> {
  await simulation.run(simulation.chance(0.8 * awakeMs, 1.2 * awakeMs));
  pod.freeze('runs');
  await simulation.run(simulation.chance(0.8 * stallMs, 1.2 * stallMs));
  pod.thaw();
}

describe.each([
  { awakeMs: 2_000, stallMs: 1_000 },
  { awakeMs: 500, stallMs: 2_500 },
])('a leader that stalls for $stallMs ms after every $awakeMs ms', (stalls) => {
  it.each([1, 2, 3])('evicts a killed pod within the bound, or its successor does (seed %i)', async (seed) => {
    const simulation = await begin(seed);
    const leader = await simulation.add();
    await simulation.run(250);
    const others = [await simulation.add(), await simulation.add()];
    for (const { line } of simulation.pods) line.delays(1_200, 'heartbeat');
    for (let round = 0; round < 10; round++) {
      await simulation.submit(5);
      await stallOnce(simulation, leader, stalls);
    }
    await simulation.submit(200);
    await stallOnce(simulation, leader, stalls);
    const dead = others[1]!;
    dead.kill();
    const diedAt = simulation.now;
    const isFound = () =>
      simulation.pods.some(({ recorded }) => recorded.of('pod:dead').some(({ podId }) => podId === dead.podId));
    while (!isFound() && simulation.now - diedAt < 2 * BOUND) await stallOnce(simulation, leader, stalls);
    expect(isFound()).toBe(true);
    expect(simulation.now - diedAt).toBeLessThanOrEqual(BOUND + stalls.awakeMs + stalls.stallMs);
    await simulation.run(120_000);
    await expectNothingLost(simulation);
  });
});

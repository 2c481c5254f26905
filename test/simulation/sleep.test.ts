/** Whole pods that sleep while there is nothing to do, under deaths, freezes, outages and clock steps by a seed. */
import { afterEach, describe, expect, it } from 'vitest';
import type { SimulatedPod } from './simulated-pod.js';
import type { Simulation } from './simulation.js';
import { SleepyConnection } from './sleepy-connection.js';
import { befallPod, expectNothingLost, fallAsleep, useSimulation } from './use-simulation.js';

const { begin, path } = useSimulation();
let simulation: Simulation;
let sleepy: SleepyConnection;
afterEach(() => sleepy.close());

async function fleet(seed: number, pods: number): Promise<Simulation> {
  simulation = await begin(seed);
  sleepy = new SleepyConnection(path());
  for (let i = 0; i < pods; i++) await add();
  return simulation;
}

const add = () => simulation.add(undefined, { over: (store) => sleepy.over(store) });

async function befall(pod: SimulatedPod | undefined): Promise<void> {
  if (pod === undefined) return;
  const chance = simulation.chance(0, 12);
  await befallPod(simulation, pod, chance);
  if (chance === 6 && pod.well) pod.pod.pool.pause();
  if (chance === 7 && pod.well) pod.pod.pool.resume();
  if (chance === 8 && pod.well) pod.pod.pool.wake();
  if (chance >= 10) sleepy.frozenToken = sleepy.frozenToken === undefined ? sleepy.token : undefined;
}

function recover(pod: SimulatedPod): void {
  if (pod.frozen) pod.thaw();
  if (pod.cutOff) pod.mend();
}

describe('a fleet that sleeps', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'loses nothing, evicts no living pod, and sleeps when all is done (seed %i)',
    async (seed) => {
      await fleet(seed, 4);
      for (let round = 0; round < 40; round++) {
        if (simulation.chance(0, 2) === 0) await simulation.submit(simulation.chance(0, 20));
        await befall(simulation.pick(simulation.alive));
        await simulation.run(simulation.chance(0, 15_000));
        for (const pod of simulation.alive) if (simulation.chance(0, 3) === 0) recover(pod);
        while (simulation.alive.length < 3) await add();
      }
      sleepy.frozenToken = undefined;
      for (const pod of simulation.alive) {
        recover(pod);
        if (pod.pod.pool.load.paused) pod.pod.pool.resume();
      }
      await simulation.run(120_000);
      await expectNothingLost(simulation);
      await fallAsleep(simulation);
      expect(simulation.alive.flatMap(({ pod }) => pod.health().problems)).toEqual([]);
      const { free, paid } = sleepy;
      await simulation.run(100_000);
      // All look once at most. Awake, each would have sent about 150 calls.
      expect(sleepy.paid - paid).toBeLessThanOrEqual(25 * simulation.alive.length);
      expect(sleepy.free).toBeGreaterThan(free);
      await simulation.submit(10);
      await simulation.run(20_000);
      await expectNothingLost(simulation);
    },
  );
});

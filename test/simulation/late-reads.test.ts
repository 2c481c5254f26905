/**
 * Whole pods on a store that shows each of them late what the others have committed, under deaths, drains and cancels by a
 * seed. The seed repeats a failure.
 */
import { describe, expect, it } from 'vitest';
import { sleep } from '../../src/runtime/runtime.js';
import type { SimulatedPod } from './simulated-pod.js';
import type { Simulation } from './simulation.js';
import { expectNothingLost, useSimulation } from './use-simulation.js';

/** Up to half of it, and now and then all of it. */
const STALE = 10_000;
const DEAD_AFTER = 15_000;
const CYCLE = 5_000;
const BEAT = 2_000;

const { begin } = useSimulation();
let simulation: Simulation;

/** Handlers that were aborted, though their pod was well and nobody had cancelled anything. */
const aborted: string[] = [];
const work = async (pod: SimulatedPod, stepId: string, signal: AbortSignal): Promise<string> => {
  await sleep(pod.machine, 50 + 20_000 * pod.machine.random() ** 4, signal);
  if (signal.aborted && pod.well)
    aborted.push(`${stepId} on ${pod.podId} at ${simulation.now}: ${String(signal.reason)}`);
  signal.throwIfAborted();
  return pod.podId;
};

async function fleet(seed: number, pods: number): Promise<void> {
  aborted.length = 0;
  const late = (random: () => number) => ({
    staleReadMs: STALE,
    nextMs: () => (random() < 0.1 ? STALE : (random() * STALE) / 2),
  });
  simulation = await begin(seed, undefined, late);
  for (let i = 0; i < pods; i++) await simulation.add(undefined, { work });
}

describe('on a store with late reads', () => {
  it.each([1, 2, 3, 4, 5, 6])('healthy pods lose no claim and evict no pod (seed %i)', async (seed) => {
    await fleet(seed, 4);
    for (let round = 0; round < 6; round++) {
      await simulation.submit(simulation.chance(20, 120));
      await simulation.run(simulation.chance(1_000, 15_000));
    }
    await simulation.run(60_000);
    await simulation.run(STALE); // until then the steps may be shown as they were
    await expectNothingLost(simulation);
    expect(aborted).toEqual([]);
    for (const { recorded } of simulation.pods) {
      expect(recorded.of('step:lost')).toEqual([]);
      expect(recorded.of('pod:fenced')).toEqual([]);
      expect(recorded.of('pod:left')).toEqual([]);
      expect(recorded.of('step:released').filter(({ reason }) => reason !== 'unstarted')).toEqual([]);
    }
  });

  it.each([1, 2, 3, 4])('what a killed pod held is requeued, and settled once (seed %i)', async (seed) => {
    await fleet(seed, 4);
    await simulation.run(STALE);
    for (let deaths = 0; deaths < 3; deaths++) {
      await simulation.submit(80);
      await simulation.run(simulation.chance(500, 4_000));
      simulation.pick(simulation.alive)?.kill();
      await simulation.run(DEAD_AFTER + 2 * STALE + 2 * CYCLE + BEAT);
      await simulation.add(undefined, { work });
    }
    await simulation.run(120_000);
    await simulation.run(STALE); // until then the steps may be shown as they were
    await expectNothingLost(simulation);
    expect(aborted).toEqual([]);
    expect(simulation.pods.flatMap(({ recorded }) => recorded.of('pod:dead'))).toHaveLength(3);
    expect(simulation.pods.flatMap(({ recorded }) => recorded.of('step:lost'))).toEqual([]);
  });
});

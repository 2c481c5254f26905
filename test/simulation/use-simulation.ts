/** A seeded simulation for each test of a file, on its own database, and what must hold when it ends. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import type { VirtualHost } from '../support/virtual-host.js';
import type { Lateness } from '../support/late-store.js';
import type { SimulatedPod } from './simulated-pod.js';
import { Simulation } from './simulation.js';

export interface UsedSimulation {
  /** The database of the running test. */
  path(): string;
  /** An open simulation; it is closed when the test ends, and then nothing of its pods may be pending. */
  begin(seed: number, host?: VirtualHost, late?: (random: () => number) => Lateness): Promise<Simulation>;
}

/** Call it at the top of a file. */
export function useSimulation(): UsedSimulation {
  let folder: string;
  let simulation: Simulation | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'simulation-'));
    simulation = undefined;
  });
  afterEach(async () => {
    await simulation?.close();
    for (const { machine } of simulation?.pods ?? []) expect(machine.pending).toBe(0);
    rmSync(folder, { recursive: true });
  });
  const path = () => join(folder, 'fleet.db');
  return {
    path,
    async begin(...[seed, host, late]) {
      simulation = new Simulation(seed, path(), host, late);
      await simulation.open();
      return simulation;
    },
  };
}

/** Every step has completed, its end was reported once at most, and no pod was evicted that no fault had affected. */
export async function expectNothingLost(simulation: Simulation): Promise<void> {
  const steps = await simulation.steps();
  expect(steps).toHaveLength(simulation.stepIds.length);
  expect(steps.filter(({ status }) => status !== 'completed')).toEqual([]);
  expect([...simulation.ends()].filter(([, times]) => times > 1)).toEqual([]);
  expect(simulation.unjust).toEqual([]);
}

/**
 * Runs until these pods sleep. Housekeeping, which a pod does not sleep through, runs on a thread that takes real time and none of
 * this world's, so each round waits for a moment.
 */
export async function fallAsleep(simulation: Simulation, pods = simulation.alive): Promise<void> {
  for (let round = 0; round < 100 && pods.some(({ pod }) => !pod.health().asleep); round++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    await simulation.run(5_000);
  }
  expect(pods.map(({ pod }) => pod.health().asleep)).toEqual(pods.map(() => true));
}

/** The faults of one pod, numbered from 0 to 5: it dies, leaves, freezes in two ways, is cut off, or its wall clock is set. */
export async function befallPod(simulation: Simulation, pod: SimulatedPod, fault: number): Promise<void> {
  if (fault === 0) pod.kill();
  if (fault === 1 && pod.well) await simulation.world.until(pod.stop());
  if (fault === 2) pod.freeze('runs');
  if (fault === 3) pod.freeze('stops');
  if (fault === 4) pod.cut(simulation.pick(['fails', 'hangs', 'loses'] as const) ?? 'fails');
  if (fault === 5) pod.machine.shiftWall(simulation.chance(-3_600_000, 3_600_000));
}

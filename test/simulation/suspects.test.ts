/**
 * Steps that kill their pods, among innocent ones and kills from outside, on whole pods in virtual time.
 *
 * In every case a killer fails within max(3, maxCrashes + 1) deaths of its own, and an innocent step fails only if
 * kills from outside hit it as often as it takes while it was a suspect and all that its pod held.
 */
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { sleep } from '../../src/runtime/runtime.js';
import { isSuspect } from '../../src/step/crash-suspect.js';
import type { PodGiven, SimulatedPod } from './simulated-pod.js';
import type { Simulation } from './simulation.js';
import { useSimulation } from './use-simulation.js';

const SEEDS = Number(process.env['SUSPECT_SEEDS'] ?? 3);
const HOUR = 3_600_000;

const { begin, path } = useSimulation();
let simulation: Simulation;

/** What the steps do, and what has happened to them. */
class Story {
  readonly killers = new Set<string>();
  /** How many pods each killer has killed. */
  readonly deaths = new Map<string, number>();
  /** How often a kill from outside hit a suspect that was alone. */
  readonly hit = new Map<string, number>();
  /** Handlers that run, by pod. */
  readonly running = new Map<SimulatedPod, Set<string>>();
  /** Suspects that were started beside another step. */
  readonly beside: string[] = [];
  readonly #longestMs: number;

  constructor(longestMs: number) {
    this.#longestMs = longestMs;
  }

  readonly work = async (pod: SimulatedPod, stepId: string, signal: AbortSignal): Promise<string> => {
    const running = this.running.get(pod) ?? new Set();
    this.running.set(pod, running);
    running.add(stepId);
    try {
      await sleep(pod.machine, this.#longestMs * pod.machine.random() ** 2, signal);
      if (pod.gone || !this.killers.has(stepId)) return 'done';
      add(this.deaths, stepId);
      pod.kill();
      return await new Promise(() => undefined);
    } finally {
      running.delete(stepId);
    }
  };

  /** SIGKILL from outside. */
  async kill(pod: SimulatedPod): Promise<void> {
    pod.kill();
    const steps = await simulation.steps();
    const held = steps.filter(
      ({ claimedIncarnation: of, status }) => status === 'claimed' && pod.incarnations.has(of ?? ''),
    );
    const [only] = held;
    if (held.length === 1 && only !== undefined && isSuspect(only)) add(this.hit, only.stepId);
  }

  /** Looks for a suspect that runs beside another step. */
  async look(): Promise<void> {
    const crashes = new Map((await simulation.steps()).map((step) => [step.stepId, step]));
    for (const [pod, running] of this.running) {
      if (pod.gone || running.size < 2) continue;
      for (const id of running) if (isSuspect(crashes.get(id) ?? { crashes: 0 })) this.beside.push(id);
    }
  }
}

function add(to: Map<string, number>, key: string): void {
  to.set(key, (to.get(key) ?? 0) + 1);
}

/** Runs until every step has ended. @returns how long that took */
async function untilEnded(given: PodGiven, pods: number, story: Story, kills: number): Promise<number> {
  const startedAt = simulation.now;
  for (let left = kills; simulation.now - startedAt < 48 * HOUR;) {
    while (simulation.alive.length < pods) await simulation.add(undefined, given);
    await simulation.run(simulation.chance(1, 4) * 2_500);
    await story.look();
    if (left > 0 && simulation.chance(0, 4) === 0) {
      const victim = simulation.pick(simulation.alive);
      if (victim !== undefined) await story.kill(victim);
      left--;
    }
    const steps = await simulation.steps();
    if (steps.every(({ status }) => status !== 'pending' && status !== 'claimed')) return simulation.now - startedAt;
  }
  const open = (await simulation.steps()).filter(({ status }) => status === 'pending' || status === 'claimed');
  throw new Error(`steps that never ended: ${open.map(({ stepId, crashes }) => `${stepId} (${crashes})`).join(', ')}`);
}

const CASES = [0, 1, 2, 3, 4].flatMap((maxCrashes) =>
  Array.from({ length: SEEDS }, (_, seed) => ({ maxCrashes, seed: seed + 1 })),
);

describe('among killers and kills from outside', () => {
  it.each(CASES)(
    'only killers fail (maxCrashes $maxCrashes, seed $seed)',
    { timeout: 60_000 },
    async ({ maxCrashes, seed }) => {
      simulation = await begin(1_000 * maxCrashes + seed);
      const story = new Story(simulation.pick([300, 3_000, 40_000]) ?? 0);
      const slots = simulation.pick([1, 3, 8]) ?? 1;
      const options = {
        maxCrashes,
        maxParallelism: slots,
        capacityThreshold: 1,
        maxPrefetch: simulation.pick([0, 20]) ?? 0,
      };
      const given: PodGiven = { options, work: story.work, latencyMs: simulation.pick([0, 500]) ?? 0 };
      await simulation.submit(simulation.chance(10, 60));
      const count = simulation.chance(1, 4);
      while (story.killers.size < count) story.killers.add(simulation.pick(simulation.stepIds) ?? '');
      await untilEnded(given, simulation.chance(1, 4), story, simulation.chance(0, 6));

      const steps = await simulation.steps();
      expect(story.beside).toEqual([]);
      for (const { stepId, status, error, crashes } of steps) {
        const at = `${stepId} after ${crashes} crashes`;
        if (story.killers.has(stepId)) {
          expect(status, at).toBe('failed');
          expect(error, at).toContain('STEP_CRASHED_POD');
          expect(story.deaths.get(stepId), at).toBeLessThanOrEqual(Math.max(3, maxCrashes + 1));
        } else if (status !== 'completed') {
          expect(story.hit.get(stepId) ?? 0, at).toBeGreaterThanOrEqual(Math.max(1, maxCrashes - 1));
        }
      }
    },
  );
});

describe('in a fleet that is always busy', () => {
  it.each([1, 2, 3])('suspects run in the end, and other work runs meanwhile (seed %i)', async (seed) => {
    simulation = await begin(seed);
    const longest = 600_000;
    const work = (pod: SimulatedPod, _: string, signal: AbortSignal) =>
      sleep(pod.machine, longest * (0.5 + pod.machine.random() / 2), signal);
    const options = { maxParallelism: 4, capacityThreshold: 1 };
    await simulation.submit(400);
    const suspects = simulation.stepIds.slice(20, 23);
    makeSuspects(path(), suspects);
    for (let i = 0; i < 3; i++) await simulation.add(undefined, { options, work });

    const ofSuspects = async () => (await simulation.steps()).filter(({ stepId }) => suspects.includes(stepId));
    const startedAt = simulation.now;
    const inTime = () => simulation.now - startedAt < 2 * 7 * longest;
    while (inTime() && (await ofSuspects()).some(({ status }) => status !== 'completed')) await simulation.run(10_000);
    expect(await ofSuspects()).toMatchObject(suspects.map((stepId) => ({ stepId, status: 'completed', crashes: 2 })));
    const others = (await simulation.steps()).filter(({ stepId }) => !suspects.includes(stepId));
    const done = others.filter(({ status }) => status === 'completed').length;
    const hours = (simulation.now - startedAt) / HOUR;
    expect(others.some(({ status }) => status === 'pending')).toBe(true);
    expect(done / hours).toBeGreaterThan((0.25 * 3 * 4 * HOUR) / (0.75 * longest)); // a quarter of what the slots allow
  });
});

/** Two crashes each, by hand. */
function makeSuspects(path: string, stepIds: readonly string[]): void {
  const database = new Database(path);
  const mark = database.prepare('UPDATE STEP_TRACKER SET crashes = 2, due = 2 WHERE step_id = ?');
  for (const stepId of stepIds) mark.run(stepId);
  database.close();
}

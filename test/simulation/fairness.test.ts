/**
 * How long a due step waits, compared with a queue that is strictly first in, first out: whole pods of different sizes on one
 * SQLite database, under as much load as they can serve, and under more.
 *
 * Longer runs: `FAIRNESS_SECONDS=3600 npx vitest run test/simulation/fairness.test.ts`.
 */
import { describe, expect, it } from 'vitest';
import type { Simulation } from './simulation.js';
import { useSimulation } from './use-simulation.js';

const { begin } = useSimulation();

const SECONDS = Number(process.env['FAIRNESS_SECONDS'] ?? 90);
/** The time of the prefetch, one handler (`simulated-pod.ts`), and two exchanges: the bound that docs/guarantees.md states, in ms. */
const BOUND = 1_000 + 1_550 + 2 * 300;
/** A handler takes 800 ms on average. */
const MEAN_MS = 800;
const SLOTS = [2, 4, 8, 2];
const PER_SECOND = (1_000 * SLOTS.reduce((sum, slots) => sum + slots)) / MEAN_MS;
const URGENT = 5;
const TIMEOUT = 60_000 + 500 * SECONDS;

interface Served {
  /** In the order of submission. */
  readonly order: readonly string[];
  readonly submittedAt: ReadonlyMap<string, number>;
  readonly startedAt: ReadonlyMap<string, number>;
}

/** Submits this load, then waits until everything has started. @param urgent steps of a higher priority, every tenth second */
async function served(simulation: Simulation, load: number, urgent = 0): Promise<Served> {
  const startedAt = new Map<string, number>();
  const submittedAt = new Map<string, number>();
  for (const concurrency of SLOTS) {
    const pod = await simulation.add(undefined, { options: { concurrency }, latencyMs: 100 });
    pod.recorded.events.on('step:started', ({ stepId }: { stepId: string }) => startedAt.set(stepId, simulation.now));
  }
  let due = 0;
  for (let second = 0; second < SECONDS; second++) {
    if (urgent > 0 && second % 10 === 5) {
      await simulation.submit(urgent, { priority: 1 });
      for (const stepId of simulation.stepIds.slice(-urgent)) submittedAt.set(stepId, simulation.now);
    }
    due += load * PER_SECOND;
    await simulation.submit(Math.floor(due));
    due %= 1;
    await simulation.run(1_000);
  }
  while (startedAt.size < simulation.stepIds.length && simulation.now < 10 * 1_000 * (SECONDS + 60))
    await simulation.run(5_000);
  expect(startedAt.size).toBe(simulation.stepIds.length);
  return { order: [...simulation.stepIds], submittedAt, startedAt };
}

/** By how much later than under strict order each step started, in ms: under strict order the k-th start is that of the k-th step. */
function delays({ order, startedAt }: Served): number[] {
  const times = order.map((stepId) => startedAt.get(stepId) ?? Infinity);
  const inOrder = times.toSorted((a, b) => a - b);
  return times.map((at, index) => at - (inOrder[index] ?? 0)).toSorted((a, b) => a - b);
}

describe.each([1, 1.2])('under a load of %d times the capacity', (load) => {
  it.each([1, 2])(
    'a step waits for little longer than strict order would let it (seed %i)',
    { timeout: TIMEOUT },
    async (seed) => {
      const found = delays(await served(await begin(seed), load));
      expect(found.at(-1)).toBeLessThanOrEqual(BOUND);
    },
  );

  it('an urgent step waits for no more than the bound, whatever the backlog', { timeout: TIMEOUT }, async () => {
    const { submittedAt, startedAt } = await served(await begin(3), load, URGENT);
    const waits = [...submittedAt].map(([stepId, at]) => (startedAt.get(stepId) ?? Infinity) - at);
    expect(waits.length).toBeGreaterThan(URGENT);
    expect(Math.max(...waits)).toBeLessThanOrEqual(BOUND);
  });
});

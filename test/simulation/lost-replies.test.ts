/**
 * Whole queues over a store that fails before and after, delays, and lands calls again late, by a seed: every verb, with
 * cancels and retries by hand in between. Whatever the connection does, each step ends once, and nothing is left behind.
 */
import { FleetQ, type StoreFactory } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { describe, expect, test } from 'vitest';
import { sleep } from '../../src/runtime/runtime.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';
import type { Store } from '../../src/store/contract.js';
import { log } from '../fleet/support/recorded-events.js';
import { FaultyStore, seeded } from '../support/faulty-store.js';
import { stopped, temporaryPath } from '../support/queues.js';

type Ends = 'step:completed' | 'step:failed';

/** A queue on its own machine, behind its own connection. */
function pod(world: VirtualRuntime, path: string, podId: string) {
  const machine = world.fork();
  let line: FaultyStore | undefined;
  const store: StoreFactory = {
    name: 'sqlite',
    create: (environment) => (line = new FaultyStore(sqlite({ path }).create(environment) as Store, machine)),
  };
  const work = async (n: number, { signal }: { signal: AbortSignal }) => {
    await sleep(machine, 20 + (n % 7) * 60, signal);
    signal.throwIfAborted();
    if (n % 11 === 0) throw new Error('now and then');
    return n;
  };
  const queue = stopped(
    new FleetQ({ store, podId, runtime: machine, retry: { baseMs: 500, capMs: 2_000 }, drainTimeoutMs: 3_000 })
      .register('work', work, { maxRetries: 3 })
      .register('single', work, { maxRetries: 3, concurrency: 1 }),
  );
  const ended: string[] = [];
  for (const name of ['step:completed', 'step:failed'] satisfies Ends[]) {
    queue.on(name, ({ stepId }) => void ended.push(stepId));
  }
  return { queue, machine, ended, line: () => line! };
}

describe.each([1, 2, 3, 4, 5, 6])('calls that fail, take long, and land again (seed %i)', (seed) => {
  test('every step ends once; nothing stays held, and nothing is left behind', { timeout: 60_000 }, async () => {
    const world = new VirtualRuntime({ seed });
    const path = temporaryPath();
    const pods = [pod(world, path, 'a'), pod(world, path, 'b'), pod(world, path, 'c')];
    const outside = sqlite({ path }).create({ runtime: world, log }) as Store;
    await outside.open();
    for (const { queue } of pods) await queue.stats(); // the real file system takes no time of this world
    for (const { queue } of pods) await world.until(queue.start());
    const faults = { failBefore: 0.08, failAfter: 0.12, delay: 0.15, landsLate: 0.08, longestMs: 2_500 };
    for (const { line, machine } of pods) line().plan = seeded(() => machine.random(), faults);

    const byHand: Promise<unknown>[] = [];
    const [ids, retried]: [string[], string[]] = [[], []];
    for (let round = 0; round < 20; round++) {
      const { queue } = pods[round % 3]!;
      const steps = Array.from({ length: 12 }, (_, i) => ({
        type: i % 4 === 0 ? ('single' as const) : ('work' as const),
        args: round * 12 + i,
        priority: i % 3,
        stepId: `s-${round}-${i}`,
      }));
      ids.push(...steps.map(({ stepId }) => stepId));
      const again = () => queue.submitMany(steps); // the same ids: no second step
      byHand.push(again().catch(again).catch(again));
      await world.advance(700);
      const victim = ids[Math.floor(world.random() * ids.length)]!;
      retried.push(victim);
      const hands = [queue.cancel(victim), pods[(round + 1) % 3]!.queue.retry(victim)];
      byHand.push(Promise.allSettled(hands)); // if its read is lost, it rejects
    }
    await world.advance(60_000);
    for (const { line } of pods) line().plan = undefined;
    await world.until(Promise.allSettled(byHand));
    await world.advance(120_000);

    const found = await world.until(outside.find(ids));
    expect(found).toHaveLength(ids.length);
    expect(found.filter(({ status }) => status === 'pending' || status === 'claimed')).toEqual([]);
    for (const { queue } of pods) expect(queue.health()).toMatchObject({ status: 'healthy', currentCapacity: 0 });
    // An end is emitted once at most, and once more for each retry by hand.
    const recorded = pods.flatMap(({ ended }) => ended);
    const times = (all: readonly string[], stepId: string): number => all.filter((id) => id === stepId).length;
    expect(ids.filter((id) => times(recorded, id) > 1 + times(retried, id))).toEqual([]);
    const done = found.filter(({ status }) => status === 'completed' || status === 'failed');
    expect(done.filter(({ stepId }) => times(recorded, stepId) === 0)).toEqual([]);

    for (const { queue } of pods) await world.until(queue.stop());
    for (const { machine } of pods) expect(machine.pending).toBe(0);
    expect(await world.until(outside.orphans({ limit: 10 }))).toEqual([]);
    await outside.close();
  });
});

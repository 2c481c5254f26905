/** A fleet on a table that takes one INSERT at a time, and turns further ones away: the pods slow down, and lose nothing. */
import { setTimeout as sleep } from 'node:timers/promises';
import { FleetQ, type AnyFleetQ, type Logger } from 'fleet-q';
import { expect, onTestFinished, test } from 'vitest';
import { snowflake } from '../../../src/snowflake.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { useStores } from './support/stores.js';

const PODS = 12;
const STEPS = 240;
const PATIENCE = { timeout: 120_000, interval: 100 };

describeOnTestBed('INSERTs that wait for each other', { timeout: 300_000 }, () => {
  const used = useStores({ slots: { count: 100 } });

  test('pods whose requests are turned away say so, slow down, and recover; every step runs once', async () => {
    const { locks } = used.bed().proxy;
    onTestFinished(() => locks.configure({ insertMs: 0, insertWaiters: 20 }));
    const complaints: string[] = [];
    const note = (line: object, message: string) => void complaints.push(`${message}: ${JSON.stringify(line)}`);
    const logger = { debug() {}, info() {}, warn: note, error: note } as unknown as Logger;
    const runs = new Map<string, number>();
    const completed = new Map<string, number>();
    const count = (counts: Map<string, number>, id: string) => counts.set(id, (counts.get(id) ?? 0) + 1);
    const throttled: (string | undefined)[] = [];
    /** By pod, the last of its two events. */
    const paces = new Map<string, 'throttled' | 'relaxed'>();

    const queues: AnyFleetQ[] = Array.from({ length: PODS }, (_, i) => {
      // With so many statement slots it is the INSERTs that set the pace.
      const store = snowflake({ connection: used.options(), ...used.place(), staleReadMs: 0, statementSlots: 100 });
      const queue = new FleetQ({ podId: `pod-${i}`, store, logger, maxParallelism: 10, maxPrefetch: 0 });
      queue.register('work', async (_: void, { stepId }) => {
        count(runs, stepId);
        await sleep(20);
      });
      queue.on('step:completed', ({ stepId }) => void count(completed, stepId));
      queue.on('store:throttled', ({ podId, reason }) => {
        throttled.push(reason);
        paces.set(podId, 'throttled');
      });
      queue.on('store:relaxed', ({ podId }) => void paces.set(podId, 'relaxed'));
      return queue;
    });
    onTestFinished(async () => void (await Promise.all(queues.map((queue) => queue.stop()))), 120_000);
    await Promise.all(queues.map((queue) => queue.start()));
    const submit = async (size: number) => {
      const steps = Array.from({ length: size }, () => ({ type: 'work' as const }));
      return queues[0]!.submitMany(steps);
    };

    const requests = `${used.place().database}.${used.place().schema}.EXCHANGE_REQUEST`;
    const turnedAway = () => locks.inserts.counts(requests).refused;
    locks.reset();
    locks.configure({ insertMs: 1, insertWaiters: 3 });
    const release = await locks.inserts.hold(requests);
    onTestFinished(release);
    const made = await submit(STEPS);
    await expect.poll(turnedAway, PATIENCE).toBeGreaterThanOrEqual(PODS);
    release();
    await expect.poll(() => completed.size, PATIENCE).toBe(STEPS);
    await expect.poll(() => throttled.length, PATIENCE).toBeGreaterThan(0);
    expect(locks.inserts.counts(requests)).toMatchObject({ mostWaiting: 3, timedOut: 0 });
    expect(new Set(throttled)).toEqual(new Set(['refused']));

    locks.configure({ insertMs: 0 });
    for (let i = 0; i < 200 && [...paces.values()].includes('throttled'); i++) {
      made.push(...(await submit(PODS * 10)));
      await expect.poll(() => completed.size, PATIENCE).toBe(made.length);
    }
    expect([...paces.values()]).not.toContain('throttled');
    expect([...completed.keys()].sort()).toEqual([...made].sort());
    expect([...runs.values(), ...completed.values()].filter((times) => times !== 1)).toEqual([]);
    expect(complaints).toEqual([]);
  });
});

/** Statement slots: a limited number of statements run at once, and the rest queue. */
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { describeOnTestBed } from './suite.js';
import { useTestBed } from './use-test-bed.js';

describeOnTestBed('statement slots', () => {
  const { bed, connect, hold } = useTestBed();

  beforeEach(async () => {
    const driver = await connect();
    await driver.run('CREATE TABLE t (n NUMBER(38, 0))');
    await driver.run('INSERT INTO t SELECT 1');
    bed().meter.reset();
    bed().proxy.slots.reset();
  });

  const drivers = (count: number) => Promise.all(Array.from({ length: count }, () => connect()));

  test('eight statements run at once and two more wait; a statement without a warehouse never waits', async () => {
    const { slots } = bed().proxy;
    const all = await drivers(11);
    const release = await hold('T'); // which each of the ten needs, with its slot
    const updates = all.slice(0, 10).map((driver) => driver.run('UPDATE t SET n = n + 1'));
    await expect.poll(() => slots.busy).toBe(8);
    await expect.poll(() => slots.waiting).toBe(2);
    const full = performance.now();
    await all[10]!.run('SELECT 1');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(slots).toMatchObject({ busy: 8, waiting: 2 });
    const heldMs = performance.now() - full;
    release();
    await Promise.all(updates);
    const { readings } = bed().meter;
    expect(readings.filter(({ queuedMs }) => queuedMs >= heldMs)).toHaveLength(2);
    expect(bed().meter.report().slotMs).toBeGreaterThanOrEqual(8 * heldMs);
    expect(await all[10]!.run('SELECT n FROM t')).toEqual([{ N: 11 }]);
    expect(slots.counts).toEqual({ mostBusy: 8, mostWaiting: 2 });
    slots.reset();
    expect(slots.counts).toEqual({ mostBusy: 0, mostWaiting: 0 });
  });

  test('a place that is added counts for those that have waited', async () => {
    const { slots } = bed().proxy;
    slots.configure({ count: 1 });
    onTestFinished(() => slots.configure({ count: 8 }));
    const { signal } = new AbortController();
    const [first, second] = [slots.acquire(signal), slots.acquire(signal)];
    expect(slots.counts).toEqual({ mostBusy: 1, mostWaiting: 1 });
    slots.configure({ count: 2 });
    for (const leave of [await first, await second]) leave();
    expect(slots.counts).toEqual({ mostBusy: 2, mostWaiting: 1 });
    expect(slots.busy).toBe(0);
  });

  test.each([true, false])('a statement that waits for a lock keeps its slot, if configured: %s', async (held) => {
    const { slots, locks } = bed().proxy;
    slots.configure({ count: 1, heldWhileLocked: held });
    onTestFinished(() => slots.configure({ count: 8, heldWhileLocked: true }));
    const release = await hold('T');
    const [one, other] = await drivers(2);
    const update = one!.run('UPDATE t SET n = 2');
    await expect.poll(() => locks.waiting()).toBe(1);
    const select = other!.run('SELECT n FROM t WHERE n > 0');
    if (held) await expect.poll(() => slots.waiting).toBe(1);
    else expect(await select).toEqual([{ N: 1 }]);
    release();
    await update;
    expect(await select).toEqual([{ N: held ? 2 : 1 }]);
    expect(slots.busy).toBe(0);
  });
});

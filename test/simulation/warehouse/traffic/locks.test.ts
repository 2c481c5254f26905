import { describe, expect, it } from 'vitest';
import { TrafficBed, type TestConnection, type Timed } from './support/traffic-bed.js';

/** Sends a statement from each connection at once. */
function all(bed: TrafficBed, from: readonly TestConnection[], text: string): Promise<Timed<unknown>[]> {
  return bed.root.until(Promise.all(from.map((one) => bed.timed(one.run(text, one.link.process)))));
}

describe('the lock of a table', () => {
  it('lets UPDATEs through one at a time, and loses none', async () => {
    const bed = new TrafficBed();
    const answers = await all(bed, await bed.several(4), 'UPDATE any');
    expect(answers.map(({ at }) => at)).toEqual([100, 200, 300, 400]);
    expect(bed.version).toBe(4);
    expect(bed.warehouse.meter.reading).toMatchObject({ lockTaking: 4, mostWaiting: 3 });
  });

  it('holds up neither other tables, nor SELECTs, nor INSERTs', async () => {
    const bed = new TrafficBed();
    const [holder, ...others] = await bed.several(4);
    void holder!.run('UPDATE any');
    const ends = Promise.all(
      ['UPDATE other', 'SELECT version', 'INSERT step'].map((text, i) => bed.timed(others[i]!.run(text, 'x'))),
    );
    expect((await bed.root.until(ends)).map(({ at }) => at)).toEqual([100, 10, 50]);
  });

  it('refuses the 21st that would wait', async () => {
    const bed = new TrafficBed({ figures: { slots: 100 } });
    const answers = await all(bed, await bed.several(23), 'UPDATE any');
    const refused = answers.filter(({ error }) => error !== undefined);
    expect(refused).toHaveLength(2);
    expect(refused[0]).toMatchObject({ at: 0, error: { code: '000625', sqlState: '57014' } });
    expect(refused[0]?.error?.message).toContain('number of waiters for this lock exceeds the 20 statements limit');
    expect(bed.version).toBe(21);
    expect(bed.warehouse.meter.reading).toMatchObject({ refused: 2, mostWaiting: 20 });
  });

  it('ends a wait that lasts longer than the lock time-out', async () => {
    const bed = new TrafficBed({ figures: { updateMs: 3_000 } });
    const [first, second, third] = await bed.several(3);
    await bed.root.until(second!.run('ALTER SESSION SET LOCK_TIMEOUT = 2'));
    const answers = await all(bed, [first!, second!, third!], 'UPDATE any');
    expect(answers[1]).toMatchObject({ at: 2_000, error: { code: '000625' } });
    expect(answers[1]?.error?.message).toContain('LOCK_TIMEOUT');
    expect(answers[2]?.at).toBe(6_000);
    expect(bed.version).toBe(2);
  });

  it.each([
    ['keeps', true, 200],
    ['frees', false, 110],
  ])('%s the slot of one that waits', async (_, slotWhileLocked, selectedAt) => {
    const bed = new TrafficBed({ figures: { slots: 2, slotWhileLocked, selectMs: 110 } });
    const [first, second, third] = await bed.several(3);
    void first!.run('UPDATE any');
    void second!.run('UPDATE any');
    const { at } = await bed.root.until(bed.timed(third!.run('SELECT version')));
    expect(at).toBe(slotWhileLocked ? 100 + 110 : selectedAt);
    await bed.root.advance(500);
    expect(bed.version).toBe(2);
    expect(bed.warehouse.slots.taken).toBe(0);
  });

  it('is got in the order of asking, or in a random one', async () => {
    const orders = await Promise.all(
      (['fifo', 'random'] as const).map(async (lockOrder) => {
        const bed = new TrafficBed({ figures: { slots: 100, lockOrder } });
        return (await all(bed, await bed.several(10), 'UPDATE any')).map(({ at }) => at);
      }),
    );
    const inTurn = Array.from({ length: 10 }, (_, i) => 100 * (i + 1));
    expect(orders[0]).toEqual(inTurn);
    expect(orders[1]).not.toEqual(inTurn);
    expect(orders[1]?.toSorted((a, b) => a - b)).toEqual(inTurn);
  });
});

describe('the lock of INSERTs', () => {
  it('is held for the commit alone, and refuses the 21st that would wait', async () => {
    const bed = new TrafficBed({ figures: { slots: 100, insertLockMs: 20 } });
    const answers = await all(bed, await bed.several(23), 'INSERT step');
    const ends = answers.filter(({ error }) => error === undefined).map(({ at }) => at);
    expect(ends.slice(0, 3)).toEqual([70, 90, 110]);
    expect(answers.filter(({ error }) => error?.code === '000625')).toHaveLength(2);
    expect(bed.stepCount).toBe(1 + 21);
  });

  it('does not hold up an UPDATE', async () => {
    const bed = new TrafficBed({ figures: { insertLockMs: 1_000 } });
    const [first, second] = await bed.several(2);
    void first!.run('INSERT step', 'x');
    const { at } = await bed.root.until(bed.timed(second!.run('UPDATE any')));
    expect(at).toBe(100);
  });
});

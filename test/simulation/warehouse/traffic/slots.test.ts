import { describe, expect, it } from 'vitest';
import { TrafficBed } from './support/traffic-bed.js';

describe('the statement slots', () => {
  it('run as many statements at a time as there are, in the order of asking', async () => {
    const bed = new TrafficBed({ figures: { slots: 2 } });
    const from = await bed.several(5);
    const answers = Promise.all(from.map((one) => bed.timed(one.run('SELECT version'))));
    const ends = (await bed.root.until(answers)).map(({ at }) => at);
    expect(ends).toEqual([10, 10, 20, 20, 30]);
    expect(bed.warehouse.meter.reading).toMatchObject({ mostQueued: 3, kinds: { select: 5 } });
    expect(bed.warehouse.meter.reading.slotSeconds).toBeCloseTo(0.05);
  });

  it('end a statement that waits for longer than its time-out', async () => {
    const bed = new TrafficBed({ figures: { slots: 1, selectMs: 3_000 } });
    const [first, second] = await bed.several(2);
    await bed.root.until(second!.run('ALTER SESSION SET STATEMENT_TIMEOUT_IN_SECONDS = 2'));
    const [one, two] = await bed.root.until(
      Promise.all([bed.timed(first!.run('SELECT version')), bed.timed(second!.run('SELECT version'))]),
    );
    expect(one).toMatchObject({ at: 3_000, value: [{ VERSION: 0 }] });
    expect(two).toMatchObject({ at: 2_000, error: { code: '000630', sqlState: '57014' } });
    expect(bed.warehouse.slots.taken + bed.warehouse.slots.waiting).toBe(0);
  });

  it('are not needed for what metadata answers', async () => {
    const bed = new TrafficBed({ figures: { slots: 1, selectMs: 1_000 } });
    const [first, second] = await bed.several(2);
    void first!.run('SELECT version');
    const { at } = await bed.root.until(bed.timed(second!.run('SELECT token')));
    expect(at).toBe(0);
  });
});

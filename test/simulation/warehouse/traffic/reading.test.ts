import { describe, expect, it } from 'vitest';
import { TrafficBed } from './support/traffic-bed.js';

/** Two sessions count the version up from what each has read. The second one has to wait. */
async function countTwice(bed: TrafficBed): Promise<unknown[]> {
  const [first, second] = await bed.several(2);
  const counts = Promise.all([first!.run('UPDATE count'), second!.run('UPDATE count')]);
  return (await bed.root.until(counts)).map((rows) => rows[0]?.['number of rows updated']);
}

describe('an UPDATE that waits for its table', () => {
  it('reads everything when it gets the table, under reading a', async () => {
    const bed = new TrafficBed({ traffic: { reading: 'a' } });
    expect(await countTwice(bed)).toEqual([1, 1]);
    expect(bed.version).toBe(2);
  });

  it.each([true, false])(
    'has read its source before it waited, under reading b (slot held: %s)',
    async (slotWhileLocked) => {
      const bed = new TrafficBed({ traffic: { reading: 'b' }, figures: { slotWhileLocked } });
      expect(await countTwice(bed)).toEqual([1, 0]); // its guard meets the row as it is: no update is lost
      expect(bed.version).toBe(1);
    },
  );
});

describe('late reads', () => {
  const LATE = 1_000;

  /** What a session reads every 50 ms after another one has changed the row twice, 300 ms apart. */
  async function reads(
    readsGoBack: boolean,
    seed: number,
  ): Promise<{ reads: { at: number; version: number }[]; own: number }> {
    const bed = new TrafficBed({ seed, traffic: { lateReadMs: LATE, readsGoBack } });
    const [writer, reader] = await bed.several(2);
    await bed.root.until(writer!.run('UPDATE any'));
    await bed.root.advance(200);
    const changedAt = bed.now;
    await bed.root.until(writer!.run('UPDATE any'));
    const own = await bed.root.until(writer!.run('SELECT version'));
    const seen: { at: number; version: number }[] = [];
    while (bed.now < changedAt + 2 * LATE) {
      const at = bed.now - changedAt;
      const rows = await bed.root.until(reader!.run('SELECT version'));
      seen.push({ at, version: Number(rows[0]?.['VERSION']) });
      await bed.root.advance(40);
    }
    return { reads: seen, own: Number(own[0]?.['VERSION']) };
  }

  it('never hide what the session itself has written, and nothing for longer than the bound', async () => {
    const late = new Set<number>();
    for (let seed = 1; seed <= 10; seed++) {
      const { reads: seen, own } = await reads(false, seed);
      expect(own).toBe(2);
      for (const { at, version } of seen) {
        if (version < 2) late.add(at);
        if (at > LATE + 100) expect(version).toBe(2);
      }
      expect(seen.map(({ version }) => version)).toEqual(seen.map(({ version }) => version).toSorted((a, b) => a - b));
    }
    expect(late.size).toBeGreaterThan(3);
  });

  it('go back to an older state only if that is asked for', async () => {
    const seeds = Array.from({ length: 30 }, (_, i) => i + 1);
    const goesBack = await Promise.all(
      seeds.map(async (seed) => {
        const versions = (await reads(true, seed)).reads.map(({ version }) => version);
        return versions.some((version, i) => version < (versions[i - 1] ?? 0));
      }),
    );
    expect(goesBack).toContain(true);
  });

  it('hide from an UPDATE what its source would show, never the row that it changes', async () => {
    const counts = new Set<string>();
    for (let seed = 1; seed <= 20; seed++) {
      const bed = new TrafficBed({ seed, traffic: { lateReadMs: LATE } });
      const [first, second] = await bed.several(2);
      await bed.root.until(first!.run('UPDATE any'));
      const [row] = await bed.root.until(second!.run('UPDATE count'));
      const updated = Number(row?.['number of rows updated']);
      expect(bed.version).toBe(1 + updated); // counted from what it is, or refused by its guard
      counts.add(String(updated));
    }
    expect([...counts].sort()).toEqual(['0', '1']);
  });
});

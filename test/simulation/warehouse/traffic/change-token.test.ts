import { describe, expect, it } from 'vitest';
import { TrafficBed, type TestConnection } from './support/traffic-bed.js';

async function tokenOf(bed: TrafficBed, connection: TestConnection): Promise<bigint> {
  const [row] = await bed.root.until(connection.run('SELECT token'));
  return BigInt(String(row?.['TOKEN']));
}

describe('the change token', () => {
  it('moves with each change of the steps, and for nothing else', async () => {
    const bed = new TrafficBed();
    const connection = await bed.connected();
    const tokens = [await tokenOf(bed, connection)];
    for (const text of ['UPDATE any', 'INSERT step', 'UPDATE other', 'SELECT version']) {
      await bed.root.until(connection.run(text, 'x'));
      tokens.push(await tokenOf(bed, connection));
    }
    const [first, updated, inserted, ...others] = tokens;
    expect(updated! > first! && inserted! > updated!).toBe(true);
    expect(others).toEqual([inserted, inserted]);
  });

  it('is late by its bound at most, and may move before the change can be read', async () => {
    const before = { late: 0, early: 0 };
    for (let seed = 1; seed <= 30; seed++) {
      const bed = new TrafficBed({ seed, traffic: { token: 'late or early', tokenMs: 500 } });
      const [writer, reader] = await bed.several(2);
      const first = await tokenOf(bed, reader!);
      const written = writer!.run('UPDATE any');
      await bed.root.advance(50);
      const during = await tokenOf(bed, reader!);
      await bed.root.until(written);
      const after = await tokenOf(bed, reader!);
      await bed.root.advance(600);
      if (during > first) before.early++;
      if (after === first) before.late++;
      expect((await tokenOf(bed, reader!)) > first).toBe(true);
    }
    expect(before.late).toBeGreaterThan(0);
    expect(before.early).toBeGreaterThan(0);
  });

  it('does not move at all when it is frozen', async () => {
    const bed = new TrafficBed({ traffic: { token: 'frozen' } });
    const connection = await bed.connected();
    const first = await tokenOf(bed, connection);
    await bed.root.until(connection.run('UPDATE any'));
    expect(await tokenOf(bed, connection)).toBe(first);
  });
});

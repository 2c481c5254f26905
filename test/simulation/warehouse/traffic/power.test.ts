import { describe, expect, it } from 'vitest';
import { TrafficBed } from './support/traffic-bed.js';

describe('a warehouse that suspends', () => {
  it('is resumed by the first statement, which waits for it', async () => {
    const bed = new TrafficBed({ figures: { suspendAfterMs: 10_000, resumeMs: 2_000 } });
    const [first, second] = await bed.several(2);
    const answers = Promise.all([bed.timed(first!.run('SELECT version')), bed.timed(second!.run('SELECT version'))]);
    expect((await bed.root.until(answers)).map(({ at }) => at)).toEqual([2_010, 2_010]);
    expect(bed.warehouse.power).toMatchObject({ resumes: 1, isRunning: true });
  });

  it('suspends after its idle time, which a statement begins anew', async () => {
    const bed = new TrafficBed({ figures: { suspendAfterMs: 10_000, resumeMs: 0 } });
    const connection = await bed.connected();
    await bed.root.until(connection.run('SELECT version'));
    await bed.root.advance(9_000);
    await bed.root.until(connection.run('SELECT version'));
    await bed.root.advance(9_990);
    expect(bed.warehouse.power.isRunning).toBe(true);
    await bed.root.advance(20);
    expect(bed.warehouse.power.isRunning).toBe(false);
    expect(bed.warehouse.power.upMs).toBe(10 + 9_000 + 10 + 10_000);
  });

  it('is not resumed by what metadata answers', async () => {
    const bed = new TrafficBed({ figures: { suspendAfterMs: 10_000 } });
    const connection = await bed.connected();
    await bed.root.until(connection.run('SELECT token'));
    await bed.root.until(connection.run('ALTER SESSION SET LOCK_TIMEOUT = 1'));
    expect(bed.warehouse.power).toMatchObject({ resumes: 0, upMs: 0, credits: 0 });
  });

  it('costs a minute at least for each resume, and then by the second', async () => {
    const bed = new TrafficBed({ figures: { suspendAfterMs: 10_000, resumeMs: 0, creditsPerHour: 60 } });
    const connection = await bed.connected();
    await bed.root.until(connection.run('SELECT version'));
    await bed.root.advance(30_000);
    expect(bed.warehouse.power.credits).toBe(1);
    for (let s = 0; s < 100; s += 5) {
      await bed.root.until(connection.run('SELECT version'));
      await bed.root.advance(4_990);
    }
    expect(bed.warehouse.power.credits).toBeCloseTo(1 + 100 / 60);
  });
});

import { describe, expect, it } from 'vitest';
import { realSession } from './support/real-session.js';
import { TrafficBed } from './support/traffic-bed.js';

const never = (): Promise<never> => new Promise(() => {});

describe('a process whose way to the warehouse', () => {
  it('is frozen gets its answer when it thaws, and its statement was applied', async () => {
    const bed = new TrafficBed();
    const connection = await bed.connected();
    let thaw = (): void => {};
    connection.link.in = () => new Promise((resolve) => (thaw = resolve));
    const answer = bed.timed(connection.run('UPDATE any'));
    await bed.root.advance(5_000);
    expect(bed.version).toBe(1);
    thaw();
    expect(await bed.root.until(answer)).toMatchObject({ at: 5_000, value: [{ 'number of rows updated': 1 }] });
  });

  it('is shut sends nothing, and its session reconnects when it opens', async () => {
    const bed = new TrafficBed();
    const { session, link } = realSession(bed, 3_000);
    await bed.root.until(session.run('SELECT version'));
    link.out = () => Promise.reject(new Error('cut'));
    const cut = await bed.root.until(bed.timed(session.run('UPDATE any')));
    expect(cut.error).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(bed.version).toBe(0);
    link.out = () => Promise.resolve();
    await bed.root.until(session.run('UPDATE any'));
    expect(bed.version).toBe(1);
  });

  it('loses replies has its statements applied once, while it repeats them', async () => {
    const bed = new TrafficBed();
    const { session, link } = realSession(bed, 20_000);
    await bed.root.until(session.run('SELECT version'));
    link.in = () => Promise.reject(new Error('cut'));
    const answer = bed.timed(session.run('UPDATE any'));
    await bed.root.advance(4_000);
    expect(bed.version).toBe(1);
    link.in = () => Promise.resolve();
    expect((await bed.root.until(answer)).value).toMatchObject([{ 'number of rows updated': 1 }]);
    expect(bed.version).toBe(1);
  });

  it('was shut for long is answered soon after it opens, by what the session may pause', async () => {
    const bed = new TrafficBed();
    const { session, link } = realSession(bed, 60_000);
    await bed.root.until(session.run('SELECT version'));
    session.pauseAtMost(250);
    link.out = () => Promise.reject(new Error('cut'));
    const answer = bed.timed(session.run('UPDATE any'));
    await bed.root.advance(30_000);
    link.out = () => Promise.resolve();
    expect((await bed.root.until(answer)).at).toBeLessThan(30_000 + 2_000);
  });

  it('ended when it was killed leaves its statement to the warehouse', async () => {
    const bed = new TrafficBed();
    const connection = await bed.connected();
    void connection.run('UPDATE any');
    await bed.root.advance(1);
    connection.link.out = never;
    connection.link.in = never;
    connection.machine.freeze('runs');
    void connection.run('UPDATE any');
    await bed.root.advance(10_000);
    expect(bed.version).toBe(1);
    expect(bed.warehouse.slots.taken).toBe(0);
  });
});

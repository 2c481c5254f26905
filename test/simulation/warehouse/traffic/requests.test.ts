import { describe, expect, it } from 'vitest';
import { storeError } from '../../../../src/store/snowflake/session/error-mapping.js';
import { Secrets } from '../../../../src/store/snowflake/session/secrets.js';
import type { RequestFault } from './request-fault.js';
import { realSession } from './support/real-session.js';
import { TrafficBed } from './support/traffic-bed.js';

/** The first statement of a kind that changes something has this fault. */
function once(fault: RequestFault): (statement: { readonly kind: string }) => RequestFault | undefined {
  let left = 1;
  return ({ kind }) => (['update', 'insert'].includes(kind) && left-- > 0 ? fault : undefined);
}

async function outcome(bed: TrafficBed, statement: Promise<unknown>) {
  const { at, value, error } = await bed.root.until(bed.timed(statement));
  const mapped = error === undefined ? undefined : storeError(error, new Secrets());
  return { at, value, code: mapped?.code, transient: mapped?.transient, driverCode: error?.code };
}

const UPDATED = [{ 'number of rows updated': 1, 'number of multi-joined rows updated': 0 }];

describe('a request, sent by a real session', () => {
  it('is answered with the first run when its reply was lost', async () => {
    const bed = new TrafficBed({ fault: once('reply lost') });
    const { session } = realSession(bed);
    const { value, at } = await outcome(bed, session.run('UPDATE any'));
    expect(value).toEqual(UPDATED);
    expect(at).toBeGreaterThan(1_000); // the driver's pause
    expect(bed.version).toBe(1);
    expect(session.logins).toBe(1);
  });

  it('runs once when its first try did not reach the server', async () => {
    const bed = new TrafficBed({ fault: once('unsent') });
    const { session } = realSession(bed);
    expect((await outcome(bed, session.run('UPDATE any'))).value).toEqual(UPDATED);
    expect(bed.version).toBe(1);
  });

  it.each(['session gone', 'token expired', 'token invalid'] as const)(
    'is sent again over a new session: %s',
    async (fault) => {
      const bed = new TrafficBed({ fault: once(fault) });
      const { session } = realSession(bed);
      expect((await outcome(bed, session.run('UPDATE any'))).value).toEqual(UPDATED);
      expect(bed.version).toBe(1);
      expect(session.logins).toBe(2);
    },
  );

  it('runs twice when its session was lost with its reply', async () => {
    const bed = new TrafficBed({ fault: once('reply and session lost') });
    const { session } = realSession(bed);
    await outcome(bed, session.run('UPDATE any'));
    expect(bed.version).toBe(2);
    expect(session.logins).toBe(2);
  });

  it('does not say what became of it when it is sent once, and its session was lost', async () => {
    const bed = new TrafficBed({ fault: once('reply and session lost') });
    const { session } = realSession(bed);
    const { code, transient, driverCode } = await outcome(bed, session.run('UPDATE any', undefined, { once: true }));
    expect({ code, transient, driverCode }).toEqual({
      code: 'STORE_UNAVAILABLE',
      transient: true,
      driverCode: '407002',
    });
    expect(bed.version).toBe(1);
  });

  it.each(['session gone', 'token expired', 'token invalid'] as const)(
    'fails as unavailable, not as a refused login, when two sessions end in a row: %s',
    async (fault) => {
      let left = 2;
      const bed = new TrafficBed({ fault: ({ kind }) => (kind === 'update' && left-- > 0 ? fault : undefined) });
      const { session } = realSession(bed);
      const { code, transient } = await outcome(bed, session.run('UPDATE any'));
      expect({ code, transient }).toEqual({ code: 'STORE_UNAVAILABLE', transient: true });
      await outcome(bed, session.run('UPDATE any'));
      expect(bed.version).toBe(1);
    },
  );

  it('fails as unavailable when the server fails', async () => {
    const bed = new TrafficBed({ fault: once('refused') });
    const { session } = realSession(bed);
    const { code, transient, driverCode } = await outcome(bed, session.run('UPDATE any'));
    expect({ code, transient, driverCode }).toEqual({
      code: 'STORE_UNAVAILABLE',
      transient: true,
      driverCode: '000603',
    });
    expect(bed.version).toBe(0);
  });

  it('fails at its deadline when nobody answers, though it was applied', async () => {
    const bed = new TrafficBed({ fault: once('never answered') });
    const { session } = realSession(bed, 5_000);
    const { code, at } = await outcome(bed, session.run('UPDATE any'));
    expect({ code, at }).toEqual({ code: 'STORE_UNAVAILABLE', at: 5_000 });
    expect(bed.version).toBe(1);
    expect((await outcome(bed, session.run('SELECT version'))).value).toEqual([{ VERSION: 1 }]);
    expect(session.logins).toBe(2);
  });

  it('may land after its client has given it up, within the time-out of a statement', async () => {
    const bed = new TrafficBed({ fault: once('late, never answered') });
    const { session } = realSession(bed, 1_000);
    expect((await outcome(bed, session.run('UPDATE any'))).code).toBe('STORE_UNAVAILABLE');
    expect(bed.version).toBe(0);
    await bed.root.advance(41_000);
    expect(bed.version).toBe(1);
  });

  it('may be applied twice by the server', async () => {
    const bed = new TrafficBed({ fault: once('twice') });
    const { session } = realSession(bed);
    expect((await outcome(bed, session.run('UPDATE any'))).value).toEqual(UPDATED);
    expect(bed.version).toBe(1);
    await bed.root.advance(41_000);
    expect(bed.version).toBe(2);
  });

  it('inserts a row twice that was there once, if its second run has read before the first one wrote', async () => {
    const counts = new Set<number>();
    for (let seed = 1; seed <= 8; seed++) {
      const bed = new TrafficBed({ seed, fault: once('twice') });
      const { session } = realSession(bed);
      await outcome(bed, session.run('INSERT new step', '"x"'));
      await bed.root.advance(41_000);
      counts.add(bed.stepCount);
    }
    expect([...counts].sort()).toEqual([2, 3]);
  });

  it('is aborted by a cancel while it waits', async () => {
    const bed = new TrafficBed({ figures: { updateMs: 10_000 } });
    const [holder] = await bed.several(1);
    void holder!.run('UPDATE any');
    const { session } = realSession(bed, 3_000);
    const { code, at } = await outcome(bed, session.run('UPDATE any'));
    expect({ code, at }).toEqual({ code: 'STORE_UNAVAILABLE', at: 3_000 });
    expect(bed.warehouse.lockOf('stepTracker').waiting).toBe(0);
    await bed.root.advance(30_000);
    expect(bed.version).toBe(1);
    expect(bed.warehouse.slots.taken).toBe(0);
  });

  it('ends with 000604 when it is cancelled, and has changed nothing', async () => {
    const bed = new TrafficBed();
    const connection = await bed.connected();
    const ended = new Promise<unknown>((resolve) => {
      const sent = connection.raw.execute({
        sqlText: 'UPDATE any',
        requestId: 'r',
        complete: (error) => resolve(error),
      });
      bed.root.fork().after(50, () => sent.cancel(() => {}));
    });
    expect(await bed.root.until(ended)).toMatchObject({ code: '000604', sqlState: '57014' });
    await bed.root.advance(1_000);
    expect(bed.version).toBe(0);
    expect(bed.warehouse.lockOf('stepTracker').taken + bed.warehouse.slots.taken).toBe(0);
  });

  it('is busy, and may be sent again, when too many wait', async () => {
    const bed = new TrafficBed({ figures: { waiters: 0 } });
    const [holder] = await bed.several(1);
    void holder!.run('UPDATE any');
    const { code, transient } = await outcome(bed, realSession(bed).session.run('UPDATE any'));
    expect({ code, transient }).toEqual({ code: 'STORE_BUSY', transient: true });
  });

  it('leaves no timer behind once its session is closed', async () => {
    const bed = new TrafficBed({ traffic: { failure: 0.2, lostReply: 0.2, lateApplication: 0.2, duplicate: 0.2 } });
    const { session, machine } = realSession(bed, 2_000, 2);
    for (let i = 0; i < 30; i++) await outcome(bed, session.run('UPDATE any'));
    await bed.root.until(session.close());
    expect(machine.pending).toBe(0);
  });
});

describe('faults by chance', () => {
  it('come as often as their probabilities say, and end with the calm', async () => {
    const bed = new TrafficBed({ traffic: { lostReply: 0.1, failure: 0.1, lateApplication: 0.1, duplicate: 0.1 } });
    const counts = new Map<string, number>();
    for (let i = 0; i < 4_000; i++) {
      const fault = bed.warehouse.faultOf({
        name: '',
        kind: 'update',
        table: 'stepTracker',
        model: () => ({ rows: [] }),
      });
      const kind = fault?.startsWith('late') === true ? 'late' : (fault ?? 'none');
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    const shares = Object.fromEntries([...counts].map(([kind, count]) => [kind, count / 4_000]));
    expect(shares['none']).toBeCloseTo(0.6, 1);
    expect(shares['late']).toBeCloseTo(0.1, 1);
    expect(shares['twice']).toBeCloseTo(0.1, 1);
    expect(
      (shares['reply lost'] ?? 0) + (shares['reply and session lost'] ?? 0) + (shares['never answered'] ?? 0),
    ).toBeCloseTo(0.1, 1);
    bed.warehouse.calm();
    const afterwards = Array.from({ length: 100 }, () =>
      bed.warehouse.faultOf({ name: '', kind: 'update', table: 'stepTracker', model: () => ({ rows: [] }) }),
    );
    expect(new Set(afterwards)).toEqual(new Set([undefined]));
  });

  it('let a statement land at the calm that was to land later', async () => {
    const bed = new TrafficBed({ fault: once('late, never answered') });
    const connection = await bed.connected();
    const answer = bed.timed(connection.run('UPDATE any'));
    await bed.root.advance(1);
    bed.warehouse.calm();
    expect((await bed.root.until(answer)).error).toMatchObject({ cause: { code: 'ERR_CANCELED' } });
    await bed.root.advance(200);
    expect(bed.version).toBe(1);
    await bed.root.advance(200_000_000);
    expect(bed.version).toBe(1);
  });

  it('are the same for the same seed', async () => {
    const run = async (): Promise<string> => {
      const bed = new TrafficBed({
        seed: 7,
        figures: { spread: 0.5, clientMs: 20 },
        traffic: {
          lostReply: 0.1,
          failure: 0.1,
          lateApplication: 0.1,
          duplicate: 0.1,
          lateReadMs: 100,
          token: 'late or early',
          tokenMs: 50,
        },
      });
      const { session } = realSession(bed, 2_000, 2);
      const outcomes: string[] = [];
      for (const text of ['UPDATE count', 'SELECT version', 'SELECT token', 'INSERT step'].flatMap(
        (one) => Array(10).fill(one) as string[],
      ))
        outcomes.push(JSON.stringify(await outcome(bed, session.run(text, '"x"'))));
      return outcomes.join('\n');
    };
    expect(await run()).toBe(await run());
  });
});

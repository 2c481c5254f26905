import { describe, expect, test } from 'vitest';
import { StoreError } from '../../../src/errors.js';
import type { FreshClaim } from '../../../src/store/contract.js';
import { gate, POD, Rig, running } from '../support/rig.js';

const add = ({ a, b }: { a: number; b: number }) => a + b;

describe('group commit', () => {
  test('a step is claimed, run and settled, and events come in that order', async () => {
    const rig = await running({ add }, {}, ({ store }) => store.add('s1', 'add', { args: { a: 1, b: 2 } }));
    expect(rig.store.row('s1')).toMatchObject({ status: 'completed', result: '3' });
    expect(rig.emitted.map(({ name }) => name)).toEqual(['step:claimed', 'step:started', 'step:completed']);
    expect(rig.events('step:completed')[0]).toMatchObject({
      ...{ type: 'add', stepId: 's1', args: { a: 1, b: 2 }, result: 3, attempt: 1, podId: POD.podId },
      step: { status: 'completed', version: 3, claimedBy: POD.podId },
    });
  });

  test('outcomes of one turn travel together', async () => {
    const open = gate();
    const rig = await running({ wait: () => open.promise }, {}, ({ store }) => void store.addMany(4, 'wait'));
    const before = rig.store.requests.length;
    open.open();
    await rig.runtime.settle();
    expect(rig.store.requests.slice(before).map(({ settlements }) => settlements.length)).toEqual([4]);
  });

  test('one exchange is in flight at a time, and what ends meanwhile is the next batch', async () => {
    const doors = Array.from({ length: 4 }, () => gate());
    const rig = await running({ wait: (i: number) => doors[i]!.promise }, {}, ({ store }) => {
      for (let i = 0; i < 4; i++) store.add(`s${i}`, 'wait', { args: i });
    });
    rig.store.latencyMs = 50;
    const before = rig.store.requests.length;
    doors[0]!.open();
    await rig.runtime.advance(10);
    for (const door of doors) door.open();
    await rig.runtime.advance(30);
    expect(rig.store.requests.length).toBe(before + 1);
    await rig.runtime.advance(100);
    expect(rig.store.requests.slice(before, before + 2).map(({ settlements }) => settlements.length)).toEqual([1, 3]);
    expect(rig.store.count('completed')).toBe(4);
  });

  test('an idle pod answers a wake at once, without time passing', async () => {
    const rig = await running({ add });
    await rig.runtime.advance(10_000);
    rig.store.add('s1', 'add', { args: { a: 1, b: 1 } });
    rig.pool.wake();
    await rig.runtime.settle();
    expect(rig.store.row('s1').status).toBe('completed');
  });

  test('a wake during an exchange is not lost', async () => {
    const rig = await running({ add });
    rig.store.latencyMs = 50;
    rig.pool.wake();
    await rig.runtime.advance(49);
    // The store has looked already, as far as this exchange goes.
    rig.store.after = () => {
      rig.store.after = () => undefined;
      rig.store.add('s1', 'add', { args: { a: 1, b: 1 } });
      rig.pool.wake();
    };
    await rig.runtime.advance(52); // the end of that exchange, and one more
    expect(rig.events('step:started')).toHaveLength(1);
  });

  test('a commit of another process wakes the pool if the store can watch', async () => {
    let changed!: () => void;
    let ended = 0;
    const rig = new Rig(
      { add },
      {
        watch: (onChange) => {
          changed = onChange;
          return () => void ended++;
        },
      },
    );
    await rig.start();
    await rig.runtime.advance(5_000);
    rig.store.add('s1', 'add', { args: { a: 1, b: 1 } });
    changed();
    await rig.runtime.settle();
    expect(rig.store.row('s1').status).toBe('completed');
    await rig.stop();
    expect(ended).toBe(1);
  });

  test('batches are never larger than the store asks for', async () => {
    const rig = await running({ add: () => undefined }, { maxParallelism: 100 }, ({ store }) => {
      store.pace = { waitMs: 0, batch: 10 };
      store.addMany(60, 'add');
    });
    expect(rig.store.count('completed')).toBe(60);
    for (const { settlements, claim } of rig.store.requests.slice(1)) {
      expect(settlements.length).toBeLessThanOrEqual(10);
      expect((claim?.free ?? 0) + (claim?.prefetch ?? 0)).toBeLessThanOrEqual(10);
    }
  });

  test('the store’s pace is kept, whatever wakes the pool', async () => {
    const rig = await running({ add: () => undefined }, {}, ({ store }) => {
      store.pace = { waitMs: 500, batch: 250 };
      store.addMany(4, 'add');
    });
    expect(rig.store.requests.length).toBe(1);
    for (let i = 0; i < 9; i++) {
      rig.pool.wake();
      await rig.runtime.advance(50);
    }
    expect(rig.store.requests.length).toBe(1);
    await rig.runtime.advance(51);
    expect(rig.store.requests.length).toBe(2);
    expect(rig.store.count('completed')).toBe(4);
  });

  test('a permit of the store’s pace that was not used is kept: what ends later goes at once', async () => {
    let end = (): void => undefined;
    const rig = await running({ long: () => new Promise<void>((resolve) => (end = resolve)) }, {}, ({ store }) => {
      store.pace = { waitMs: 3_000, batch: 250, idleMs: 60_000 };
      store.add('s1', 'long');
    });
    await rig.runtime.advance(10_000); // the pace would have allowed three
    const before = rig.store.requests.length;
    end();
    await rig.runtime.advance(1);
    expect(rig.store.requests.length).toBe(before + 1);
    expect(rig.store.row('s1').status).toBe('completed');
  });
});

describe('polling', () => {
  const requests = (rig: Rig) => rig.store.requests.length;

  test('a pool that finds nothing polls less and less often, up to the idle interval', async () => {
    const rig = await running({ add }, { claimIntervalMs: 100, idleIntervalMs: 1_000 });
    const times: number[] = [];
    rig.store.before = () => void times.push(rig.runtime.monotonicMs());
    await rig.runtime.advance(4_000);
    expect(times).toEqual([100, 300, 700, 1_500, 2_500, 3_500]);
  });

  test('a wake starts again with short pauses', async () => {
    const rig = await running({ add });
    await rig.runtime.advance(10_000);
    const times: number[] = [];
    rig.store.before = () => void times.push(rig.runtime.monotonicMs() - 10_000);
    rig.pool.wake();
    await rig.runtime.advance(400);
    expect(times).toEqual([0, 100, 300]);
  });

  test('a pause ends when the next step is due', async () => {
    const rig = await running({ add }, {}, ({ store }) => {
      store.add('later', 'add', { args: { a: 1, b: 1 }, delayMs: 30 });
    });
    await rig.runtime.advance(29);
    expect(requests(rig)).toBe(1);
    await rig.runtime.advance(2);
    expect(rig.store.row('later').status).toBe('completed');
  });

  test('the store is not asked while no slot is free and nothing is prefetched', async () => {
    const open = gate();
    const rig = await running({ wait: () => open.promise }, {}, ({ store }) => void store.addMany(9, 'wait'));
    const before = requests(rig);
    await rig.runtime.advance(60_000);
    expect(requests(rig)).toBe(before);
    open.open();
    await rig.runtime.settle();
    expect(rig.store.count('completed')).toBe(9);
  });

  test('steps that are due but cannot be claimed do not make it spin', async () => {
    const rig = await running({ add }, {}, ({ store }) => store.add('suspect', 'add', { crashes: 2 }));
    rig.store.rows.get('suspect')!.status = 'pending';
    const exchange = rig.store.exchange;
    rig.store.exchange = async (request) => ({ ...(await exchange(request)), claims: [], nextDueInMs: 0 });
    const before = requests(rig);
    await rig.runtime.advance(1_000);
    expect(requests(rig) - before).toBeLessThanOrEqual(11);
  });
});

describe('an exchange that fails', () => {
  const down = new StoreError('STORE_UNAVAILABLE', 'down', true);

  test('keeps outcomes, sends them again under the same fence, and emits their events once', async () => {
    const rig = await running(
      { flaky: () => Promise.reject(new Error('no')) },
      { random: Math.random },
      ({ store }) => {
        store.add('s1', 'flaky');
        let replies = 0;
        store.after = () => {
          if (++replies >= 2 && replies <= 4) throw down; // the write is done, the reply lost
        };
      },
    );
    await rig.runtime.advance(5_000);
    const sent = rig.store.requests.flatMap(({ settlements }) => settlements).slice(0, 4);
    expect(new Set(sent.map((s) => JSON.stringify(s))).size).toBe(1); // also the jitter of its delay
    expect(rig.store.row('s1').retryCount).toBeGreaterThanOrEqual(1);
    expect(rig.events('step:retrying').filter(({ attempt }) => attempt === 1)).toHaveLength(1);
    expect(rig.events('step:lost')).toEqual([]);
  });

  test('takes in an unanswered claim once, as soon as a late read shows it, and runs steps meanwhile', async () => {
    const down = new StoreError('STORE_UNAVAILABLE', 'down', true);
    const rig = await running({ quick: () => 1 }, { staleReadMs: 10_000 }, ({ store, runtime }) => {
      store.add('hidden', 'quick');
      store.after = () => {
        store.after = () => undefined;
        throw down; // the claim is taken
      };
      const { exchange } = store;
      store.exchange = async (request) => {
        const reply = await exchange(request);
        return request.readBack === undefined || runtime.monotonicMs() > 3_000 ? reply : { ...reply, claims: [] };
      };
    });
    await rig.runtime.advance(1_000);
    expect(rig.store.row('hidden').status).toBe('claimed');
    rig.pool.reconcile(rig.pool.snapshot(), rig.store.held(POD));
    rig.store.add('next', 'quick');
    await rig.runtime.advance(1_500);
    expect(rig.store.row('next').status).toBe('completed');
    expect(rig.store.row('hidden').status).toBe('claimed');
    await rig.runtime.advance(2_500);
    expect(rig.store.row('hidden').status).toBe('completed');
    expect(rig.events('step:started').map(({ stepId }) => stepId as string)).toEqual(['next', 'hidden']);
  });

  test('runs a claim once that another exchange has brought before it is read back', async () => {
    const open = gate();
    const rig = await running({ slow: () => open.promise }, { staleReadMs: 10_000 }, ({ store, runtime }) => {
      store.add('hidden', 'slow');
      store.after = () => {
        store.after = () => undefined;
        throw new StoreError('STORE_UNAVAILABLE', 'down', true); // the claim is taken
      };
      const { exchange } = store;
      let late: FreshClaim[] | undefined;
      store.exchange = async (request) => {
        const reply = await exchange(request);
        if (request.readBack === undefined) return { ...reply, claims: [...reply.claims, ...(late?.splice(0) ?? [])] };
        if (runtime.monotonicMs() > 3_000) return reply;
        late ??= [...reply.claims]; // the next look shows it, this one does not
        return { ...reply, claims: [] };
      };
    });
    await rig.runtime.advance(2_000);
    rig.store.add('next', 'slow');
    rig.pool.wake();
    await rig.runtime.advance(4_000);
    expect(rig.store.requests.filter(({ readBack }) => readBack !== undefined).length).toBeGreaterThan(1);
    expect(rig.events('step:started').map(({ stepId }) => stepId as string)).toEqual(
      expect.arrayContaining(['next', 'hidden']),
    );
    open.open();
    await rig.runtime.advance(4_000);
    expect(rig.events('step:started')).toHaveLength(2);
    expect(rig.events('step:completed')).toHaveLength(2);
    expect(rig.events('step:claimed')).toHaveLength(2);
  });

  test('reads an unanswered token back before a fresh token claims', async () => {
    const rig = await running({ add }, {}, ({ store }) => {
      for (let i = 0; i < 3; i++) store.add(`s${i}`, 'add', { args: { a: 1, b: i } });
      let replies = 0;
      store.after = () => {
        if (replies++ < 2) throw down;
      };
    });
    await rig.runtime.advance(1_000);
    const [first, second, third] = rig.store.requests;
    const token = first!.claim!.token;
    expect([second, third].map((r) => [r!.readBack, r!.claim])).toEqual([
      [token, undefined],
      [token, undefined],
    ]);
    expect(rig.store.requests.slice(3).every(({ readBack }) => readBack === undefined)).toBe(true);
    expect(rig.store.count('completed')).toBe(3);
    expect(rig.events('step:started')).toHaveLength(3);
  });

  test('is followed by longer and longer pauses, up to a few seconds, and no wake shortens them', async () => {
    const rig = await running({ add });
    const times: number[] = [];
    rig.store.before = () => {
      times.push(rig.runtime.monotonicMs());
      throw down;
    };
    for (let i = 0; i < 3_000; i++) {
      rig.pool.wake();
      await rig.runtime.advance(10);
    }
    const pauses = times.slice(1).map((time, i) => time - times[i]!);
    expect(pauses[0]).toBeLessThan(100);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(3_010);
    expect(Math.max(...pauses)).toBeGreaterThan(1_500);
    expect(times.length).toBeLessThan(30);
  });

  test('the first success ends the pauses', async () => {
    const rig = await running({ add });
    rig.store.before = () => {
      throw down;
    };
    await rig.runtime.advance(20_000);
    rig.store.before = () => undefined;
    await rig.runtime.advance(3_100);
    rig.store.add('s1', 'add', { args: { a: 1, b: 1 } });
    rig.pool.wake();
    await rig.runtime.settle();
    expect(rig.store.row('s1').status).toBe('completed');
  });

  test.each([new TypeError('a bug'), new StoreError('STORE_CORRUPT', 'corrupt', false), 'text'])(
    'an error that is not transient does not make it spin: %s',
    async (error) => {
      const rig = await running({ add });
      rig.store.before = () => {
        throw error;
      };
      const before = rig.store.requests.length;
      await rig.runtime.advance(10_000);
      expect(rig.store.requests.length - before).toBeLessThan(20);
      rig.store.before = () => undefined;
    },
  );

  test('gives up the claim of a step of which the store refuses every outcome', async () => {
    const rig = await running({ quick: () => 1 }, {}, ({ store }) => {
      store.addMany(8, 'quick');
      store.before = ({ settlements }) => {
        const refused = settlements.some(({ stepId }) => stepId === 'quick-00003');
        if (refused) throw new StoreError('STORE_REFUSED', 'never', false);
      };
    });
    await rig.runtime.advance(5_000);
    expect(rig.store.count('completed')).toBe(7);
    expect(rig.events('step:lost')).toMatchObject([{ stepId: 'quick-00003', refused: 'failed' }]);
    expect(rig.logged.filter(({ level }) => level === 'error')).toHaveLength(2);
  });

  test('bisects a batch that the store refuses: only what it cannot hold fails', async () => {
    const rig = await running({ echo: (i: number) => i }, { maxParallelism: 20 }, ({ store }) => {
      for (let i = 0; i < 20; i++) store.add(`s${i}`, 'echo', { args: i });
      store.before = ({ settlements }) => {
        if (settlements.some(({ result }) => result === '13')) {
          throw new StoreError('STORE_REFUSED', 'not that', false);
        }
      };
    });
    await rig.runtime.advance(1_000);
    expect(rig.store.count('completed')).toBe(19);
    expect(rig.store.row('s13').status).toBe('failed');
    expect(JSON.parse(rig.store.row('s13').error!)).toMatchObject({ code: 'RESULT_UNSTORABLE' });
    expect(rig.events('step:failed').map(({ stepId }) => stepId)).toEqual(['s13']);
    // Only the whole batch came with a claim, and that is read back.
    const refused = rig.store.requests.findIndex(({ settlements }) => settlements.some((s) => s.result === '13'));
    const next = rig.store.requests.slice(refused + 1);
    const bisections = next.findIndex(({ readBack, claim }) => readBack !== undefined || claim !== undefined);
    expect(bisections).toBeGreaterThan(3);
  });

  test('loses no outcome if the store fails during a bisection', async () => {
    let calls = 0;
    const rig = await running({ echo: (i: number) => i }, { maxParallelism: 8 }, ({ store }) => {
      for (let i = 0; i < 8; i++) store.add(`s${i}`, 'echo', { args: i });
      store.before = ({ settlements }) => {
        if (settlements.some(({ result }) => result === '3')) throw new StoreError('STORE_REFUSED', 'not that', false);
        if (settlements.length > 0 && ++calls === 2) throw down;
      };
    });
    await rig.runtime.advance(2_000);
    expect(rig.store.count('completed')).toBe(7);
    expect(rig.store.row('s3').status).toBe('failed');
    expect(rig.events('step:completed')).toHaveLength(7);
  });

  test('loses no outcome to a bug', async () => {
    let bugs = 1;
    const random = () => {
      if (bugs-- > 0) throw new TypeError('a bug');
      return 0.5;
    };
    const rig = await running({ flaky: () => Promise.reject(new Error('no')) }, { random }, ({ store }) =>
      store.add('s1', 'flaky', { maxRetries: 1 }),
    );
    expect(rig.logged).toContainEqual(
      expect.objectContaining({
        level: 'error',
        message: 'exchange loop threw; keeping the outcomes and trying again',
      }),
    );
    expect(rig.store.row('s1').status).toBe('claimed');
    await rig.runtime.advance(1_000);
    expect(rig.events('step:retrying')).toHaveLength(1);
    await rig.runtime.advance(2_000);
    expect(rig.store.row('s1')).toMatchObject({ status: 'failed', retryCount: 1 });
  });

  test('shows as overdue while it hangs', async () => {
    const rig = await running({ add });
    const hang = gate();
    rig.store.before = () => hang.promise;
    rig.pool.wake();
    await rig.runtime.advance(30_000);
    expect(rig.pool.overdueMs).toBe(30_000 - 15_000); // it may take as long as the pod may be silent
    hang.open();
    await rig.runtime.settle();
    expect(rig.pool.overdueMs).toBe(0);
  });

  test('is not overdue any more for the listeners and handlers that run because of its answer', async () => {
    const seen: [string, number][] = [];
    const rig = await running({ add: () => void seen.push(['handler', rig.pool.overdueMs]) });
    rig.onStarted = () => void seen.push(['listener', rig.pool.overdueMs]);
    const hang = gate();
    rig.store.before = () => hang.promise;
    rig.store.add('s1', 'add');
    rig.pool.wake();
    await rig.runtime.advance(30_000);
    hang.open();
    await rig.runtime.settle();
    expect(seen).toEqual([
      ['listener', 0],
      ['handler', 0],
    ]);
  });
});

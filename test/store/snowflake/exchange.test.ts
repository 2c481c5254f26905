/** One pod's exchange: the statements that it sends, and what it derives from the answers. The test plays the session. */
import { describe, expect, test, vi } from 'vitest';
import { Secrets } from '../../../src/store/snowflake/session/secrets.js';
import { DriverError } from '../../../src/store/snowflake/session/driver-error.js';
import type { Row } from '../../../src/store/snowflake/session/session-interface.js';
import type { Claim } from '../../../src/store/contract.js';
import { claimRequest, pendingAgain, settlement } from '../../conformance/harness.js';
import { claimed, exchanging, POD, receipt, work } from './support/exchanging.js';

const held = (stepId: string): Claim => ({
  ...{ stepId, claimToken: 'token', version: 2, type: 'work', payload: '{}', priority: 0, retryCount: 0 },
  ...{ maxRetries: 3, crashes: 0, runAt: 1, createdAt: 1 },
});

const asks = (over: Parameters<typeof claimRequest>[0] = {}) => ({
  pod: POD,
  settlements: [],
  claim: claimRequest(over),
});

describe('an exchange that hands nothing in', () => {
  test('looks first, sends no UPDATE if nothing is due, and sends the UPDATE first once something is', async () => {
    let due = 0;
    const answer = (statement: string) => (statement === 'look' ? work(due, 40) : []);
    const { exchange, names } = exchanging(answer, { staleReadMs: 0 });
    expect((await exchange.run(asks())).nextDueInMs).toBe(40);
    expect(names()).toEqual(['look']);
    due = 3;
    expect((await exchange.run(asks())).nextDueInMs).toBe(0);
    expect(names()).toEqual(['look', 'exchange', 'look']);
    due = 0;
    await exchange.run(asks());
    expect(names()).toEqual(['exchange', 'look']);
    await exchange.run(asks());
    expect(names()).toEqual(['look']);
  });

  test('sends the UPDATE at once after steps were submitted in this process', async () => {
    const { exchange, names } = exchanging((statement) => (statement === 'look' ? work(0) : []));
    exchange.expectWork('new');
    await exchange.run(asks());
    expect(names()).toEqual(['exchange', 'look']);
  });

  test('draws anew after each look whether it asks for a step that many idle pods see', async () => {
    const { exchange, names, pacer, runtime } = exchanging((statement) => (statement === 'look' ? work(1) : []));
    pacer.counted(40);
    let draw = 0.9; // it leaves the step to others
    vi.spyOn(runtime, 'random').mockImplementation(() => draw);
    for (let i = 0; i < 3; i++) await exchange.run(asks());
    expect(names()).toEqual(['look', 'look', 'look']);
    draw = 0;
    await exchange.run(asks());
    expect(names()).toEqual(expect.arrayContaining(['look', 'exchange']));
  });

  test('asks after a few looks for a step that nobody else takes: they may be busy, or handle other types', async () => {
    const answer = (statement: string) => (statement === 'look' ? work(overdue) : []);
    let overdue = 1;
    const { exchange, names, pacer, runtime } = exchanging(answer);
    pacer.counted(200);
    vi.spyOn(runtime, 'random').mockReturnValue(0.9);
    const looksUntilAsked = async () => {
      for (let looks = 1; ; looks++) {
        await exchange.run(asks());
        if (names().includes('exchange')) return looks;
      }
    };
    expect(await looksUntilAsked()).toBe(7);
    await runtime.advance(60_000);
    for (let looks = 0; looks < 3; looks++) await exchange.run(asks());
    overdue = 0; // another has taken it
    await exchange.run(asks());
    overdue = 1;
    expect(await looksUntilAsked()).toBe(7);
  });

  test('sends nothing if nothing is requested, and no UPDATE if there is no room', async () => {
    const { exchange, names } = exchanging((statement) => (statement === 'look' ? work(5) : []));
    expect(await exchange.run({ pod: POD, settlements: [] })).toMatchObject({ claims: [], nextDueInMs: null });
    expect(names()).toEqual([]);
    expect((await exchange.run(asks({ free: 0 }))).nextDueInMs).toBe(0);
    expect(names()).toEqual(['look']);
    await exchange.run({ pod: POD, settlements: [], readBack: 'lost' });
    expect(names()).toEqual(['look']);
  });
});

describe('a request', () => {
  const requested = async (over: Parameters<typeof claimRequest>[0]) => {
    const { exchange, sent } = exchanging();
    exchange.expectWork('new');
    await exchange.run(asks(over));
    return sent.find(({ statement }) => statement === 'exchange')!.bind;
  };

  test('asks for no more than an exchange takes, and for no more of a type than there is room', async () => {
    const { own } = await requested({ free: 700, prefetch: 900, types: { a: 3, b: Infinity } });
    expect(own).toMatchObject({ free: 700, prefetch: 300 });
    expect(own.limits).toEqual([
      { type: 'a', most: 3 },
      { type: 'b', most: 1_600 },
    ]);
    expect((await requested({ free: 5_000, prefetch: 7 })).own).toMatchObject({ free: 1_000, prefetch: 0 });
  });

  test('is in one group with all requests for the same types, in any order', async () => {
    const [one, same, other] = [
      await requested({ types: { a: 1, b: 2 } }),
      await requested({ types: { b: 5, a: 5 } }),
      await requested({ types: { a: 1, b: 2, c: 1 } }),
    ];
    expect(same.group).toBe(one.group);
    expect(one.own.group).toBe(one.group);
    expect(other.group).not.toBe(one.group);
  });

  test('counts a suspect as due only if it may be claimed', async () => {
    const mostCrashes = async (over: Parameters<typeof claimRequest>[0]): Promise<number> => {
      const { exchange, sent } = exchanging();
      await exchange.run(asks(over));
      return sent[0]!.bind.mostCrashes;
    };
    expect(await mostCrashes({ free: 0, prefetch: 3, quarantine: 1 })).toBe(0);
    expect(await mostCrashes({ free: 1, quarantine: 0 })).toBe(1);
    expect(await mostCrashes({ free: 1, quarantine: 1 })).toBe(Number.MAX_SAFE_INTEGER);
  });

  test('has a higher sequence number with each exchange, also within one ms', async () => {
    const { exchange, sent } = exchanging();
    for (let i = 0; i < 3; i++) {
      exchange.expectWork('new');
      await exchange.run(asks());
    }
    const seqs = sent.filter(({ statement }) => statement === 'exchange').map(({ bind }) => bind.own.seq as number);
    expect(seqs).toEqual([seqs[0], seqs[0]! + 1, seqs[0]! + 2]);
  });
});

describe('an UPDATE that was refused steps which read as due', () => {
  /** Runs exchanges in a row, with the given claimed and due steps. Returns how many candidates each skipped. */
  const skips = async (
    came: readonly (readonly [took: number, due: number])[],
    over: Parameters<typeof claimRequest>[0] = {},
    staleReadMs?: number,
  ) => {
    const left = [...came];
    const { exchange, sent } = exchanging(
      (statement) => {
        if (statement !== 'look') return [];
        const [took, due] = left.shift()!;
        return [...Array.from({ length: took }, (_, i) => claimed(`s${i}`, i + 1)), ...work(due, 70)];
      },
      staleReadMs === undefined ? {} : { staleReadMs },
    );
    const nextDues: (number | null)[] = [];
    for (const _ of came) {
      exchange.expectWork('new');
      nextDues.push((await exchange.run(asks(over))).nextDueInMs);
    }
    const updates = sent.filter(({ statement }) => statement === 'exchange');
    return { skipped: updates.map(({ bind }) => bind.skip as number), nextDues };
  };

  test('is followed by UPDATEs that skip candidates, and by one in four that begins at the front', async () => {
    const { skipped } = await skips([[0, 1_000], ...Array.from({ length: 8 }, () => [10, 1_000] as const)]);
    expect(skipped.map((skip) => skip > 0)).toEqual([false, true, true, true, false, false, false, false, false]);
    for (const skip of skipped) expect(skip).toBeLessThanOrEqual(40);
    const contended = await skips(Array.from({ length: 9 }, (_, i) => [i % 4 === 0 ? 3 : 10, 1_000] as const));
    expect(contended.skipped.map((skip) => skip > 0)).toEqual([
      false,
      true,
      true,
      true,
      false,
      true,
      true,
      true,
      false,
    ]);
  });

  test('skips more while it is refused there, too, and never more than leaves enough candidates', async () => {
    const { skipped } = await skips(Array.from({ length: 4 }, () => [0, 500] as const));
    expect(skipped[1]).toBeGreaterThanOrEqual(20);
    expect(skipped[1]).toBeLessThanOrEqual(40);
    expect(skipped[2]).toBeGreaterThanOrEqual(80);
    expect(skipped[3]).toBeGreaterThanOrEqual(245);
    expect(skipped[3]).toBeLessThanOrEqual(490);
    expect((await skips(Array.from({ length: 3 }, () => [0, 10] as const))).skipped).toEqual([0, 0, 0]);
  });

  test('begins at the front if nothing was refused, or if no read is late', async () => {
    const twice = (took: number, due: number) => [0, 1].map(() => [took, due] as const);
    const fronts = async (...of: Parameters<typeof skips>) => expect((await skips(...of)).skipped).toEqual([0, 0]);
    await fronts(twice(10, 1_000));
    await fronts(twice(4, 0));
    await fronts(twice(0, 1_000), {}, 0);
    await fronts(twice(3, 1_000), { types: { limited: 3, work: 100 } });
    await fronts(twice(1, 1_000), { quarantine: 1 });
    await fronts(twice(0, 1_000), { free: 0, prefetch: 10 });
  });

  test('is no reason to exchange again at once if it claimed nothing', async () => {
    const came = [[0, 1_000] as const, [3, 1_000] as const];
    expect((await skips(came)).nextDues).toEqual([70, 0]);
    expect((await skips(came, {}, 0)).nextDues).toEqual([0, 0]);
  });
});

describe('the claims of an exchange', () => {
  test('come in order, without void ones, which are given back once with the next exchange', async () => {
    const rows = [claimed('b', 2), claimed('double', 1, 'void'), claimed('a', 1), ...work(0)];
    const { exchange, sent } = exchanging((statement) => (statement === 'look' ? rows.splice(0) : []));
    exchange.expectWork('new');
    const { claims } = await exchange.run(asks({ token: 'mine' }));
    expect(claims.map(({ stepId, claimToken }) => [stepId, claimToken])).toEqual([
      ['a', 'mine'],
      ['b', 'mine'],
    ]);
    sent.splice(0);
    await exchange.run({ pod: POD, settlements: [] });
    expect(sent[0]!.bind.own.settlements).toEqual([
      { id: 'double', token: 'mine', version: 2, status: 'pending', charge: 0, crash: 0 },
    ]);
    sent.splice(0);
    await exchange.run({ pod: POD, settlements: [] });
    expect(sent).toEqual([]);
  });

  test('that show while the pod only hands in outcomes are kept for its next claim', async () => {
    const one = settlement(held('b'));
    const late = claimed('a', 1, 'first', 'mine'); // by an UPDATE that serves the request again
    let shows: Row[] = [];
    const { exchange } = exchanging((statement) =>
      statement === 'look' ? [...shows, receipt(one, 'mine'), ...work(0)] : [],
    );
    exchange.expectWork('new');
    await exchange.run(asks({ token: 'mine' }));
    shows = [late];
    expect((await exchange.run({ pod: POD, settlements: [one] })).claims).toEqual([]);
    const { claims } = await exchange.run(asks({ token: 'next' }));
    expect(claims.map(({ stepId }) => stepId)).toEqual(['a']);
    expect((await exchange.run(asks({ token: 'last' }))).claims).toEqual([]);
  });

  test('are asked for however long the UPDATE has waited for its turn', async () => {
    const { exchange, sent } = exchanging((statement) => (statement === 'look' ? [claimed('a', 1), ...work(0)] : []), {
      tookMs: (statement) => (statement === 'exchange' ? 150_000 : 0),
    });
    exchange.expectWork('new');
    const { claims } = await exchange.run(asks({ token: 'mine' }));
    expect(sent.at(-1)).toMatchObject({ statement: 'look', bind: { tokens: ['mine'] } });
    expect(claims.map(({ stepId }) => stepId)).toEqual(['a']);
  });

  test('go back again with the next exchange if they are void and were not given back', async () => {
    const rows = [claimed('double', 1, 'void'), ...work(0)];
    const answers: (Row[] | Error)[] = [];
    const { exchange, sent } = exchanging((statement) =>
      statement === 'look' ? rows.splice(0) : (answers.shift() ?? []),
    );
    await exchange.run({ pod: POD, settlements: [], readBack: 'mine' });
    answers.push(new Error('it failed'));
    await expect(exchange.run({ pod: POD, settlements: [] })).rejects.toThrow('it failed');
    sent.splice(0);
    const void_ = { ...held('double'), claimToken: 'mine' };
    rows.push(receipt(settlement(void_), 'claimed'));
    await exchange.run({ pod: POD, settlements: [] });
    rows.push(receipt(settlement(void_), 'mine'));
    await exchange.run({ pod: POD, settlements: [] });
    expect(sent.map(({ bind }) => (bind.own?.settlements?.length ?? 0) as number)).toEqual([1, 0, 1, 0]);
    sent.splice(0);
    await exchange.run({ pod: POD, settlements: [] });
    expect(sent).toEqual([]);
  });

  test('that are read on a new connection count after their rows were refreshed there', async () => {
    let logins = 1;
    const seen = ['first', 'void'];
    const { exchange, names } = exchanging(
      (statement) => {
        if (statement !== 'look') return [];
        const state = seen.shift();
        return state === undefined ? [...work(0)] : [claimed('a', 1, state)];
      },
      { logins: () => logins },
    );
    exchange.expectWork('new');
    logins = 2;
    expect((await exchange.run({ pod: POD, settlements: [], readBack: 'mine' })).claims).toEqual([]);
    expect(names()).toEqual(['look', 'refresh', 'look']);
  });

  test('that are read back are refreshed first, also if this exchange has written on the new connection', async () => {
    const one = settlement(held('b'));
    const { exchange, names } = exchanging((statement) =>
      statement === 'look' ? [claimed('a', 1), receipt(one, 'mine'), ...work(0)] : [],
    );
    const { claims } = await exchange.run({ pod: POD, settlements: [one], readBack: 'mine' });
    expect(claims).toHaveLength(1);
    expect(names()).toEqual(['exchange', 'look', 'refresh', 'look']);
  });

  describe('whose SELECT ran on another connection than the UPDATE, and shows none', () => {
    const exchanged = (staleReadMs: number, ...rows: Row[]) => {
      let logins = 1;
      const { exchange } = exchanging(
        (statement) => {
          if (statement === 'look') logins = 2;
          return statement === 'look' ? [...rows, ...work(0)] : [];
        },
        { logins: () => logins, staleReadMs },
      );
      exchange.expectWork('new');
      return exchange.run(asks());
    };

    test('fail the exchange if the read may be late, so that they are read back', async () => {
      const failure = { code: 'STORE_UNAVAILABLE', transient: true };
      await expect(exchanged(10_000)).rejects.toMatchObject(failure);
    });

    test('count as absent if no read is late, or if a void one shows that this read was fresh', async () => {
      expect((await exchanged(0)).claims).toEqual([]);
      expect((await exchanged(10_000, claimed('double', 1, 'void'))).claims).toEqual([]);
    });
  });
});

describe('settlements', () => {
  const one = settlement(held('a'));

  test('travel with the exchange, with delays rounded up and NULL left out', async () => {
    const { exchange, sent } = exchanging((_, bind) => (bind.mine === undefined ? [] : [receipt(one, 'mine')]));
    const retry = pendingAgain(held('a'), { delayMs: 0.4, charge: 1, error: '{}' });
    expect((await exchange.run({ pod: POD, settlements: [retry] })).receipts).toEqual(['settled']);
    expect(sent.map(({ statement }) => statement)).toEqual(['exchange', 'look']);
    expect(sent[0]!.bind.own.settlements).toEqual([
      { id: 'a', token: 'token', version: 2, status: 'pending', charge: 1, crash: 0, delayMs: 1, error: '{}' },
    ]);
  });

  test('go ahead in UPDATEs of their own if they exceed one exchange, and their receipts keep the order', async () => {
    const many = Array.from({ length: 2_500 }, (_, i) => settlement(held(`s${i}`)));
    const states = new Map(many.map((each, i) => [each.stepId, i === 1_700 ? 'lost' : 'mine']));
    const { exchange, names } = exchanging((_, bind) =>
      ((bind.mine ?? []) as { id: string }[]).map(({ id }) => receipt(settlement(held(id)), states.get(id)!)),
    );
    const { receipts } = await exchange.run({ pod: POD, settlements: many });
    expect(receipts).toEqual(many.map((_, i) => (i === 1_700 ? 'lost' : 'settled')));
    expect(names()).toEqual(['settle', 'receipts', 'settle', 'receipts', 'exchange', 'look']);
  });

  test('are read back on the session that wrote them', async () => {
    const { exchange, sent } = exchanging((_, bind) => (bind.mine === undefined ? [] : [receipt(one, 'mine')]));
    await exchange.settle(POD, [one]);
    expect(sent.map(({ statement, own }) => [statement, own])).toEqual([
      ['settle', false],
      ['receipts', false],
    ]);
  });

  test('that read as not applied are applied again, and read again after a refresh', async () => {
    for (const unclear of ['claimed', 'late', 'absent']) {
      let reads = 0;
      const { exchange, names } = exchanging((statement) =>
        statement === 'look' || statement === 'receipts'
          ? [receipt(one, ++reads < 2 ? unclear : 'cancelled'), ...work(0)]
          : [],
      );
      expect((await exchange.run({ pod: POD, settlements: [one] })).receipts).toEqual(['cancelled']);
      expect(names(), unclear).toEqual(['exchange', 'look', 'settle', 'refresh', 'receipts']);
    }
  });

  test('that another session reads than the one that wrote are read once more', async () => {
    for (const unclear of ['late', 'absent']) {
      let [reads, logins] = [0, 1];
      const answer = (statement: string) => {
        if (statement !== 'receipts') return [];
        if (++reads === 2) logins++;
        return [receipt(one, reads < 3 ? unclear : 'mine')];
      };
      const { exchange, names } = exchanging(answer, { logins: () => logins });
      expect(await exchange.settle(POD, [one])).toEqual(['settled']);
      const again = ['settle', 'refresh', 'receipts'];
      expect(names(), unclear).toEqual(['settle', 'receipts', ...again, ...again]);
    }
  });

  test('whose claims are still held are applied again, a few times at most', async () => {
    let tries = 0;
    const answer = (until: number) => (statement: string) =>
      statement === 'look' || statement === 'receipts'
        ? [receipt(one, ++tries < until ? 'claimed' : 'mine'), ...work(0)]
        : [];
    const soon = exchanging(answer(3));
    expect((await soon.exchange.run({ pod: POD, settlements: [one] })).receipts).toEqual(['settled']);
    expect(soon.names()).toEqual([
      'exchange',
      'look',
      ...Array<string[]>(2).fill(['settle', 'refresh', 'receipts']).flat(),
    ]);
    const never = exchanging(answer(Infinity));
    await expect(never.exchange.run({ pod: POD, settlements: [one] })).rejects.toMatchObject({
      ...{ code: 'STORE_UNAVAILABLE', transient: true },
    });
    expect(never.names()).toHaveLength(2 + 3 * 4);
    expect(never.waits).toEqual([10_000]); // before the last: the row may have been deleted, unseen
  });

  test('are lost if the step has only newer rows', async () => {
    const { exchange } = exchanging((statement) => (statement === 'receipts' ? [receipt(one, 'late')] : []));
    expect(await exchange.settle(POD, [one])).toEqual(['lost']);
  });

  test('of a step without a hot row are searched in the archive, twice if it shows nothing', async () => {
    const asked = async (...archived: (string | undefined)[]) => {
      const { exchange, waits } = exchanging((statement) => {
        const state = statement === 'archivedReceipts' ? archived.shift() : undefined;
        if (state !== undefined) return [receipt(one, state)];
        return statement === 'receipts' || statement === 'archivedReceipts' ? [receipt(one, 'absent')] : [];
      });
      return { receipts: await exchange.settle(POD, [one]), waits };
    };
    expect(await asked('mine')).toEqual({ receipts: ['settled'], waits: [] });
    expect(await asked('cancelled')).toEqual({ receipts: ['cancelled'], waits: [] });
    expect(await asked('lost')).toEqual({ receipts: ['lost'], waits: [] });
    expect(await asked(undefined, 'mine')).toEqual({ receipts: ['settled'], waits: [10_000] });
    expect(await asked('late', 'mine')).toEqual({ receipts: ['settled'], waits: [10_000] });
    expect(await asked(undefined, undefined)).toEqual({ receipts: ['lost'], waits: [10_000] });
  });

  test('go alone only if the UPDATE that serves other pods, too, is refused permanently', async () => {
    const failing = (code: string) =>
      exchanging((statement) => {
        if (statement === 'exchange')
          return new DriverError(Object.assign(new Error('no'), { code, sqlState: '22000' }), new Secrets());
        return statement === 'look' ? [receipt(one, 'mine'), ...work(0)] : [];
      });
    const refused = failing('100035');
    expect((await refused.exchange.run({ ...asks(), settlements: [one] })).receipts).toEqual(['settled']);
    expect(refused.names()).toEqual(['exchange', 'exchange', 'settle', 'look']);
    const busy = failing('000625');
    await expect(busy.exchange.run({ pod: POD, settlements: [one] })).rejects.toBeInstanceOf(DriverError);
    expect(busy.names()).toEqual(['exchange']);
  });
});

test('counts a settlement as lost if the state that is read of it is not a known word', async () => {
  const one = settlement(held('s'));
  const { exchange } = exchanging(() => [receipt(one, 'unknown')]);
  expect((await exchange.run({ pod: POD, settlements: [one] })).receipts).toEqual(['lost']);
});

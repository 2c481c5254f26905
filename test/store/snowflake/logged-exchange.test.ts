/** An exchange through the log: what it sends, when it serves all, and when it has its answer. The test plays the session. */
import { describe, expect, test } from 'vitest';
import type { Row } from '../../../src/store/snowflake/session/session-interface.js';
import { DriverError } from '../../../src/store/snowflake/session/driver-error.js';
import { Secrets } from '../../../src/store/snowflake/session/secrets.js';
import { claimRequest, settlement } from '../../conformance/harness.js';
import { claimed, exchanging, fact, POD, receipt, work } from './support/exchanging.js';

type Place = 'head' | 'absent' | 'served' | number;

/** The facts of a look among other pods. @param place a number: so many open requests are older */
const look = (place: Place, otherMs = 100): Row[] => [
  ...work(5),
  fact('otherMs', otherMs),
  fact('isLogged', place === 'absent' ? 0 : 1),
  fact('isOpen', place === 'absent' || place === 'served' ? 0 : 1),
  fact('older', typeof place === 'number' ? place : 0),
];

const error = (code: string, sqlState = '57014') =>
  new DriverError(Object.assign(new Error('no'), { code, sqlState }), new Secrets());

const ASKS = { pod: POD, settlements: [], claim: claimRequest({ token: 'mine' }) };

/** An exchange among others. Its looks see the given places in turn; the first one is the idle look. */
function among(
  places: readonly Place[],
  more: {
    readonly update?: () => Row[] | Error;
    readonly rows?: Row[];
    readonly tookMs?: Readonly<Record<string, number>>;
  } = {},
) {
  const left = [...places];
  const { update = () => [], rows = [], tookMs = {} } = more;
  const play = exchanging(
    (statement, bind) => {
      if (statement === 'exchange') return update();
      if (statement !== 'look') return [];
      if (bind.token === undefined) return look('absent');
      return [...look(left.length > 1 ? left.shift()! : left[0]!), ...rows];
    },
    { tookMs: (statement) => ({ exchange: 600, look: 300, ask: 650, pulse: 250, ...tookMs })[statement] ?? 0 },
  );
  return play;
}

describe('among pods that exchange', () => {
  test('a request is logged, and the pod at the head serves all with one UPDATE', async () => {
    const { exchange, names, logged } = among(['head']);
    await exchange.run(ASKS);
    expect(names()).toEqual(['look', 'pulse', 'ask', 'look', 'exchange', 'look']);
    expect(logged).toEqual([POD.incarnation]);
  });

  test('a request that another pod serves sends no UPDATE', async () => {
    const { exchange, names, waits } = among([1, 1, 'served'], { rows: [claimed('a', 1)] });
    const { claims } = await exchange.run(ASKS);
    expect(claims.map(({ stepId, claimToken }) => [stepId, claimToken])).toEqual([['a', 'mine']]);
    expect(names()).toEqual(['look', 'pulse', 'ask', 'look', 'look', 'look']);
    // About the time of one UPDATE between two looks.
    expect(waits).toHaveLength(2);
    for (const ms of waits) {
      expect(ms).toBeGreaterThanOrEqual(0.75 * 660);
      expect(ms).toBeLessThanOrEqual(1.25 * 660);
    }
  });

  test('a head that stays silent is overtaken, sooner by the next pod than by a later one', async () => {
    const waited: number[] = [];
    for (const rank of [1, 4]) {
      const { exchange, names, waits } = among([rank]);
      await exchange.run(ASKS);
      expect(names().slice(-2)).toEqual(['exchange', 'look']);
      waited.push(waits.reduce((sum, ms) => sum + ms, 0));
    }
    expect(waited[0]).toBeGreaterThan(2_000);
    expect(waited[1]).toBeGreaterThan(2 * waited[0]!);
  });

  test('a request that no look shows is logged again, three times at most, and then served by its own pod', async () => {
    const { exchange, names } = among(['absent']);
    await exchange.run(ASKS);
    const sent = names();
    expect(sent.filter((name) => name === 'ask')).toHaveLength(3);
    expect(sent.slice(-2)).toEqual(['exchange', 'look']);
    const shown = among(['absent', 'served']);
    await shown.exchange.run(ASKS);
    expect(shown.names()).toEqual(['look', 'pulse', 'ask', 'look', 'ask', 'look']);
  });

  test('an UPDATE that is refused permanently is repeated alone, then as settlements, and only then fails', async () => {
    const one = settlement({ ...claimed0, stepId: 'a' });
    const windows: number[] = [];
    const refusing = (times: number) => {
      let left = times;
      return exchanging((statement, bind) => {
        if (statement === 'look') return [...look(bind.token === undefined ? 'absent' : 'head'), receipt(one, 'mine')];
        if (statement === 'exchange') windows.push(bind.windowMs);
        const isUpdate = statement === 'exchange' || statement === 'settle';
        return isUpdate && left-- > 0 ? error('100035', '22000') : [];
      });
    };
    for (const [times, updates] of [
      [1, ['exchange', 'exchange']],
      [2, ['exchange', 'exchange', 'settle']],
    ] as const) {
      const refused = refusing(times);
      await refused.exchange.run({ ...ASKS, claim: { ...ASKS.claim, free: 0, prefetch: 0 } }); // so that it knows of others
      refused.names();
      windows.splice(0);
      expect((await refused.exchange.run({ ...ASKS, settlements: [one] })).receipts).toEqual(['settled']);
      expect(refused.names().filter((name) => name === 'exchange' || name === 'settle')).toEqual(updates);
      expect(windows).toEqual([60_000, 0]);
    }
    const hopeless = refusing(3);
    await hopeless.exchange.run({ ...ASKS, claim: { ...ASKS.claim, free: 0, prefetch: 0 } });
    await expect(hopeless.exchange.run({ ...ASKS, settlements: [one] })).rejects.toMatchObject({ code: '100035' });
  });

  test('a request that waits for minutes is asked for until it has its answer', async () => {
    const { exchange, sent } = among([1, 'served'], {
      rows: [claimed('a', 1)],
      tookMs: { ask: 100_000, look: 30_000 },
    });
    const { claims } = await exchange.run(ASKS);
    expect(sent.at(-1)!.bind.tokens).toEqual(['mine']);
    expect(claims.map(({ stepId }) => stepId)).toEqual(['a']);
  });

  test('an UPDATE that is turned away leaves the rest to others', async () => {
    let tries = 0;
    const { exchange, names } = among(['head', 'served'], { update: () => (tries++, error('000625')) });
    await exchange.run(ASKS);
    expect(tries).toBe(1);
    expect(names().slice(-2)).toEqual(['exchange', 'look']);
  });

  test('an UPDATE that is turned away for two minutes fails the exchange as busy', async () => {
    const { exchange, runtime } = among(['head'], { update: () => error('000625') });
    const startedAt = runtime.monotonicMs();
    await expect(exchange.run(ASKS)).rejects.toMatchObject({ code: '000625' });
    expect(runtime.monotonicMs() - startedAt).toBeGreaterThan(120_000);
    expect(runtime.monotonicMs() - startedAt).toBeLessThan(150_000);
  });

  test('settlements that read as not applied are no answer yet', async () => {
    const one = settlement({ ...claimed0, stepId: 'a' });
    const states = ['claimed', 'mine'];
    const { exchange, names } = exchanging((statement, bind) => {
      if (statement !== 'look') return [];
      if (bind.token === undefined) return look('absent');
      if (bind.mine.length === 0) return look('served');
      return [...look('served'), receipt(one, states.length > 1 ? states.shift()! : states[0]!)];
    });
    await exchange.run(ASKS); // so that it knows of others
    names();
    expect((await exchange.run({ ...ASKS, settlements: [one] })).receipts).toEqual(['settled']);
    expect(names()).toEqual(['ask', 'look', 'look']);
  });

  test('a request carries its outcomes, and what one of its exchanges takes in the warehouse', async () => {
    const { exchange, sent } = among(['head'], { tookMs: { ask: 550 } });
    const one = settlement({ ...claimed0, stepId: 'a' });
    await exchange.run(ASKS);
    sent.splice(0);
    await exchange.run({ ...ASKS, settlements: [one] });
    const ask = sent.find(({ statement }) => statement === 'ask')!;
    expect(ask.bind.settlements).toHaveLength(1);
    // The INSERT and two looks, each without the 250 ms of the client; never the UPDATE.
    expect(ask.bind.slotMs).toBe(300 + 50 + 50);
  });

  test('an exchange that reads claims back goes directly, so that they are refreshed', async () => {
    const one = settlement({ ...claimed0, stepId: 'b' });
    const { exchange, names } = exchanging((statement) =>
      statement === 'look' ? [...look('served'), claimed('a', 1, 'first', 'lost'), receipt(one, 'mine')] : [],
    );
    await exchange.run(ASKS); // so that it knows of others
    names();
    const { claims } = await exchange.run({ pod: POD, settlements: [one], readBack: 'lost' });
    expect(claims.map(({ stepId }) => stepId)).toEqual(['a']);
    expect(names()).toEqual(['exchange', 'look', 'refresh', 'look']);
  });

  test('a pod exchanges directly again when the others have been silent for ten UPDATEs', async () => {
    let otherMs = 100;
    const { exchange, names } = exchanging(
      (statement, bind) => (statement === 'look' ? look(bind.token === undefined ? 'absent' : 'head', otherMs) : []),
      { tookMs: (statement) => (statement === 'exchange' ? 100 : 0) },
    );
    await exchange.run(ASKS);
    expect(names()).toContain('ask');
    otherMs = 60_000;
    await exchange.run(ASKS);
    names();
    for (let i = 0; i < 20; i++) await exchange.run(ASKS);
    names();
    await exchange.run(ASKS);
    expect(names()).not.toContain('ask');
  });
});

const claimed0 = {
  ...{ stepId: 'a', claimToken: 'token', version: 2, type: 'work', payload: '{}', priority: 0, retryCount: 0 },
  ...{ maxRetries: 3, crashes: 0, runAt: 1, createdAt: 1 },
};

describe('claims under tokens of the last two minutes', () => {
  const claims = (...rows: Row[]) => {
    const shown = [...rows];
    const play = exchanging((statement) => (statement === 'look' ? [...work(0), ...shown] : []));
    return { ...play, shown };
  };

  test('are handed to the pool under the token that they have, whichever is the newest', async () => {
    const { exchange, sent, shown } = claims();
    exchange.expectWork('new');
    await exchange.run({ ...ASKS, claim: claimRequest({ token: 'first' }) });
    shown.push(claimed('late', 1, 'first', 'first'));
    const { claims: late } = await exchange.run({ ...ASKS, claim: claimRequest({ token: 'second' }) });
    expect(late.map(({ stepId, claimToken }) => [stepId, claimToken])).toEqual([['late', 'first']]);
    expect(sent.at(-1)!.bind.tokens).toEqual(['first']);
  });

  test('are handed to the pool once, and never after they were settled', async () => {
    const { exchange } = claims(claimed('a', 1, 'first', 'first'));
    exchange.expectWork('new');
    expect((await exchange.run({ ...ASKS, claim: claimRequest({ token: 'first' }) })).claims).toHaveLength(1);
    expect((await exchange.run(ASKS)).claims).toEqual([]);
    const settled = claims(claimed('b', 1, 'first', 'old'));
    const one = settlement({ ...claimed0, stepId: 'b', claimToken: 'old' });
    expect((await settled.exchange.run({ ...ASKS, settlements: [one] })).claims).toEqual([]);
    expect((await settled.exchange.run(ASKS)).claims).toEqual([]);
  });

  test('are asked for two minutes after the token was last used, and no longer', async () => {
    const { exchange, sent, runtime } = claims();
    exchange.expectWork('new');
    await exchange.run({ ...ASKS, claim: claimRequest({ token: 'first' }) });
    const tokens = async () => {
      await exchange.run({ ...ASKS, claim: claimRequest({ token: 'second' }) });
      return sent.at(-1)!.bind.tokens as string[];
    };
    await runtime.advance(119_000);
    expect(await tokens()).toEqual(['first']);
    await runtime.advance(2_000);
    expect(await tokens()).toEqual([]);
  });

  test('that are read back are handed over again, because the pool may not have had the reply', async () => {
    const { exchange } = claims(claimed('a', 1, 'first', 'lost'));
    exchange.expectWork('new');
    expect((await exchange.run({ ...ASKS, claim: claimRequest({ token: 'lost' }) })).claims).toHaveLength(1);
    expect((await exchange.run({ pod: POD, settlements: [], readBack: 'lost' })).claims).toHaveLength(1);
  });
});

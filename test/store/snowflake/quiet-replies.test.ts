/** When an exchange reports that nothing is left to do, so that its pod may sleep. The test plays the session. */
import { describe, expect, test } from 'vitest';
import type { Row } from '../../../src/store/snowflake/session/session-interface.js';
import { claimRequest, settlement, type ClaimRequestOver } from '../../conformance/harness.js';
import { claimed, exchanging, fact, POD, receipt, work } from './support/exchanging.js';

const asks = (over: ClaimRequestOver = {}) => ({ pod: POD, settlements: [], claim: claimRequest(over) });
const NOTHING = { free: 0, prefetch: 0, types: {} } as const;
const TABLE = [fact('rows', 7), fact('claimed', 0)];
const QUIET = { census: '7' };

/** An exchange whose looks see these facts. */
const seeing = (...facts: readonly Row[]) =>
  exchanging((statement) => (statement === 'look' ? [...TABLE, ...facts] : []));

describe('a look', () => {
  test('is quiet if nothing is due, and no pod holds a claim, and says how many rows it has seen', async () => {
    expect(await seeing(...work(0, 500)).exchange.run(asks())).toMatchObject({ quiet: QUIET, nextDueInMs: 500 });
  });

  test.each([
    ['a step is due', work(1)],
    ['a step is due that nobody has waited for yet', work(1, null, 0)],
    ['another pod holds a claim', [fact('claimed', 1)]],
  ])('is not quiet while %s', async (_, facts) => {
    expect(await seeing(...facts).exchange.run(asks({ free: 0 }))).not.toHaveProperty('quiet');
  });

  test('names no types for a pod that asks for nothing, and is quiet for it', async () => {
    const { exchange, sent, names } = seeing(...work(0));
    expect(await exchange.run(asks(NOTHING))).toMatchObject({ quiet: QUIET, nextDueInMs: null, claims: [] });
    expect(sent[0]?.bind).toMatchObject({ types: [] });
    expect(names()).toEqual(['look']);
  });

  test('is not quiet before all types had their turn', async () => {
    const types = new Map(Array.from({ length: 6_000 }, (_, i) => [`type-${i}`, 1] as const));
    const { exchange } = seeing(...work(0));
    const request = asks({ types });
    expect(await exchange.run(request)).not.toHaveProperty('quiet');
    expect(await exchange.run(request)).toMatchObject({ quiet: QUIET });
  });

  test('is not quiet if it was made to read claims back', async () => {
    const { exchange } = seeing(...work(0));
    expect(await exchange.run({ pod: POD, settlements: [], readBack: 'lost' })).not.toHaveProperty('quiet');
  });

  test('is not quiet until it shows what this process has submitted, or ten minutes have passed', async () => {
    let shown = 0;
    const { exchange, runtime } = exchanging((statement) =>
      statement === 'look' ? [...TABLE, ...work(0), fact('shown', shown)] : [],
    );
    exchange.expectWork('mine');
    expect(await exchange.run(asks(NOTHING))).not.toHaveProperty('quiet');
    shown = 1;
    expect(await exchange.run(asks(NOTHING))).toMatchObject({ quiet: QUIET });
    shown = 0;
    exchange.expectWork('archived before any look');
    expect(await exchange.run(asks(NOTHING))).not.toHaveProperty('quiet');
    await runtime.advance(600_001);
    expect(await exchange.run(asks(NOTHING))).toMatchObject({ quiet: QUIET });
  });
});

describe('after a logged request, which any pod may still serve', () => {
  /** An exchange that has logged a request which found nothing. @param breaks whether its looks fail */
  const logged = async (breaks = false) => {
    let due = 5;
    let fails = false;
    const play = exchanging((statement, bind) => {
      if (statement === 'ask') fails = breaks;
      if (statement !== 'look') return [];
      if (fails) return new Error('no answer');
      const place = bind.token === undefined ? [] : [fact('isLogged', 1), fact('isOpen', 0)];
      return [...TABLE, ...work(bind.token === undefined ? due : 0), fact('otherMs', 100), ...place];
    });
    const request = play.exchange.run(asks());
    if (breaks) await expect(request).rejects.toThrow('no answer');
    else expect(await request).not.toHaveProperty('quiet');
    expect(play.names()).toContain('ask');
    [due, fails, breaks] = [0, false, false];
    return play;
  };

  test.each([
    ['that was answered', false],
    ['whose looks failed', true],
  ])('no look is quiet for a minute after one %s, not even for a pod that asks for nothing', async (_, breaks) => {
    const { exchange, runtime } = await logged(breaks);
    for (const over of [NOTHING, {}]) expect(await exchange.run(asks(over))).not.toHaveProperty('quiet');
    await runtime.advance(60_000);
    expect(await exchange.run(asks())).not.toHaveProperty('quiet');
    await runtime.advance(1);
    expect(await exchange.run(asks())).toMatchObject({ quiet: QUIET });
  });

  test('a claim that another pod hands out meanwhile shows, and the minute starts again with its outcome', async () => {
    const rows: Row[] = [];
    let due = 5;
    const play = exchanging((statement, bind) => {
      if (statement !== 'look') return [];
      const place = bind.token === undefined ? [] : [fact('isLogged', 1), fact('isOpen', 0)];
      return [...TABLE, ...work(bind.token === undefined ? due : 0), fact('otherMs', 100), ...place, ...rows];
    });
    await play.exchange.run(asks({ token: 'mine' }));
    due = 0;
    await play.runtime.advance(50_000);
    rows.push(claimed('late', 1, 'first', 'mine'), fact('claimed', 1));
    const { claims, quiet } = await play.exchange.run(asks());
    expect([claims.map(({ stepId }) => stepId), quiet]).toEqual([['late'], undefined]);
    const outcome = settlement(claims[0]!);
    rows.splice(0, 2, receipt(outcome, 'mine'));
    await play.exchange.run({ ...asks(), settlements: [outcome] });
    rows.splice(0);
    expect(play.names().filter((name) => name === 'ask')).toHaveLength(2);
    await play.runtime.advance(59_000);
    expect(await play.exchange.run(asks(NOTHING))).not.toHaveProperty('quiet');
    await play.runtime.advance(1_001);
    expect(await play.exchange.run(asks(NOTHING))).toMatchObject({ quiet: QUIET });
  });
});

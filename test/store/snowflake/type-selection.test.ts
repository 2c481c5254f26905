/** If the types do not fit one bind, each has its turn. */
import { describe, expect, test } from 'vitest';
import { MOST_TYPES_BYTES, TypeSelector } from '../../../src/store/snowflake/exchange/type-selection.js';
import { BED_MS, describeOnTestBed } from '../../support/warehouse/suite.js';
import { claimRequest, newStep } from '../../conformance/harness.js';
import { exchanging, POD } from './support/exchanging.js';
import { joined, useStores } from './support/stores.js';

const types = (count: number, name: string) =>
  new Map(Array.from({ length: count }, (_, i) => [`${name}-${i}`, Infinity]));

function round(turns: TypeSelector, wanted: ReadonlyMap<string, number>): ReadonlyMap<string, number>[] {
  const all: ReadonlyMap<string, number>[] = [];
  for (let complete = false; !complete;) {
    const turn = turns.next(wanted);
    all.push(turn.types);
    complete = turn.complete;
  }
  return all;
}

describe('the types of an exchange', () => {
  test('are all types if they fit, in the same map each time', () => {
    const turns = new TypeSelector();
    const wanted = types(5_000, 't');
    expect(turns.next(wanted)).toEqual({ types: wanted, complete: true });
    expect(turns.next(wanted).types).toBe(turns.next(wanted).types);
  });

  test.each([
    [20_000, 't', 4],
    [3_000, 'x'.repeat(250), 3],
  ])('take turns if they do not fit: %i types', (count, name, most) => {
    const turns = new TypeSelector();
    const wanted = types(count, name);
    for (let i = 0; i < 2; i++) {
      const all = round(turns, wanted);
      expect(all).toHaveLength(most);
      expect(all.flatMap((one) => [...one.keys()])).toEqual([...wanted.keys()]);
      for (const one of all) expect(JSON.stringify([...one.keys()]).length).toBeLessThan(MOST_TYPES_BYTES);
    }
  });

  test('keep their turn while limits change', () => {
    const turns = new TypeSelector();
    const wanted = types(20_000, 't');
    const first = new Map(wanted).set('t-0', 0);
    const seen = [...turns.next(first).types.keys()];
    expect(seen).toHaveLength(5_000);
    for (let i = 1; i < 4; i++) {
      // Each time other types have no room, or have room again.
      const { types: turn, complete } = turns.next(new Map(wanted).set(`t-${i}`, 0).set('t-19999', i));
      expect(complete).toBe(i === 3);
      seen.push(...turn.keys());
    }
    expect(seen.sort()).toEqual([...wanted.keys()].sort());
  });

  test('start the next round when all that are left had their turn', () => {
    const turns = new TypeSelector();
    const wanted = types(6_000, 't');
    turns.next(wanted);
    const left = types(10, 't');
    expect(turns.next(left)).toEqual({ types: left, complete: true });
    expect(turns.next(wanted).types.size).toBe(5_000);
  });

  test('keep their turn while an exchange only settles', async () => {
    const { exchange, sent } = exchanging(() => [], { staleReadMs: 0 });
    const wanted = types(20_000, 't');
    for (let i = 0; i < 4; i++) {
      const claim = claimRequest({ types: wanted, token: `t${i}` });
      await exchange.run({ pod: POD, settlements: [], claim });
      await exchange.run({ pod: POD, settlements: [] });
    }
    const looked = sent.filter(({ statement }) => statement === 'look').map(({ bind }) => bind.types as string[]);
    expect(looked.flat()).toEqual([...wanted.keys()]);
  });

  test('leave out types without room', () => {
    expect([
      ...new TypeSelector().next(
        new Map([
          ['a', 0],
          ['b', 2],
        ]),
      ).types,
    ]).toEqual([['b', 2]]);
  });
});

describeOnTestBed('a pod of 20,000 types', () => {
  const { open } = useStores();

  test('gets its claims, at the latest when each type had its turn', { timeout: BED_MS }, async () => {
    const store = await open();
    const pod = await joined(store);
    const wanted = types(20_000, 'type');
    const last = newStep({ type: 'type-19999' });
    await store.submit([last]);
    const claimed: string[] = [];
    for (let exchanges = 0; exchanges < 4; exchanges++) {
      const claim = claimRequest({ types: wanted, token: `t${exchanges}` });
      const { claims, nextDueInMs } = await store.exchange({ pod, settlements: [], claim });
      if (claims.length === 0) expect(nextDueInMs).toBe(0);
      claimed.push(...claims.map(({ stepId }) => stepId));
    }
    expect(claimed).toEqual([last.stepId]);
  });
});

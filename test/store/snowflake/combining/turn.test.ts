/** Who serves all requests, and when a pod goes alone. */
import { describe, expect, test } from 'vitest';
import { pathOf } from '../../../../src/store/snowflake/combining/path.js';
import { nextMove, patienceMs, type Turn } from '../../../../src/store/snowflake/combining/turn.js';

const UPDATE_MS = 500;
const move = (turn: Partial<Turn>, random = 0.5) =>
  nextMove({ place: 'behind', rank: 1, waitedMs: 0, lookMs: 0, ...turn }, UPDATE_MS, random);

describe('after a look', () => {
  test('a pod has its answer once its request is served, however long it has waited', () => {
    expect(move({ place: 'served', waitedMs: 1e9 })).toEqual({ kind: 'finish' });
  });

  test('a request that the log does not show is logged again', () => {
    expect(move({ place: 'absent' })).toEqual({ kind: 'log' });
  });

  test('the oldest open request serves all, at once', () => {
    expect(move({ place: 'head', rank: 0 })).toEqual({ kind: 'serve' });
  });

  test('another one looks again after about one UPDATE', () => {
    expect(move({}, 0.5)).toEqual({ kind: 'look', afterMs: 500 });
    expect(move({}, 0)).toEqual({ kind: 'look', afterMs: 375 });
    expect(move({}, 0.999_999)).toEqual({ kind: 'look', afterMs: expect.closeTo(625, 1) as number });
  });

  test('it takes over when each older one has had three UPDATEs of time', () => {
    for (const [rank, turns] of [
      [0, 1],
      [1, 2],
      [7, 8],
    ] as const) {
      expect(move({ rank, waitedMs: turns * 1_500 })).toMatchObject({ kind: 'look' });
      expect(move({ rank, waitedMs: turns * 1_500 + 1 })).toEqual({ kind: 'serve' });
    }
  });

  test('it gives each older one the time of a look besides, as slow as its own have been', () => {
    // A crowded warehouse: the first look has taken 17 s, and the head knows of its place no earlier.
    expect(move({ rank: 1, waitedMs: 17_377, lookMs: 17_000 })).toMatchObject({ kind: 'look' });
    expect(move({ rank: 1, waitedMs: 37_000, lookMs: 17_000 })).toMatchObject({ kind: 'look' });
    expect(move({ rank: 1, waitedMs: 37_001, lookMs: 17_000 })).toEqual({ kind: 'serve' });
  });

  test('patience ends at 30 s, however long UPDATEs and looks take', () => {
    expect(patienceMs(500, 0)).toBe(1_500);
    expect(patienceMs(9_000, 2_999)).toBe(29_999);
    expect(patienceMs(60_000, 0)).toBe(30_000);
    expect(patienceMs(500, 60_000)).toBe(30_000);
  });
});

describe('the path', () => {
  test.each([
    ['direct', 'nobody else has ever exchanged', {}],
    ['log', 'another pod has just exchanged', { otherMs: 0 }],
    ['log', 'another pod has exchanged within ten UPDATEs', { otherMs: 5_000 }],
    ['direct', 'the others have been silent for longer', { otherMs: 5_001 }],
    ['log', 'an own UPDATE was just turned away', { waitedMs: 0 }],
    ['direct', 'none was turned away for longer than ten UPDATEs', { otherMs: 60_000, waitedMs: 5_001 }],
    ['log', 'three pods see new work', { workMs: 0, pods: 3 }],
    ['log', 'three pods have seen it for ten UPDATEs', { workMs: 5_000, pods: 3 }],
    ['direct', 'they have seen it for longer, and the others have not asked', { workMs: 5_001, pods: 3 }],
    ['direct', 'one other pod sees new work', { workMs: 0, pods: 2 }],
  ] as const)('is %s if %s', (path, _, neighbours) => {
    expect(pathOf({ otherMs: null, waitedMs: null, workMs: null, pods: 40, ...neighbours }, UPDATE_MS)).toBe(path);
  });
});

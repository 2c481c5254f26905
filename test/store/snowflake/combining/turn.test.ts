/** Who serves all requests, and when a pod goes alone. */
import { describe, expect, test } from 'vitest';
import { Measurements } from '../../../../src/store/snowflake/combining/measurements.js';
import { pathOf } from '../../../../src/store/snowflake/combining/path.js';
import { nextMove, patienceMs, type Turn } from '../../../../src/store/snowflake/combining/turn.js';

const UPDATE_MS = 500;
const move = (turn: Partial<Turn>, random = 0.5, slowestMs = 0) =>
  nextMove({ place: 'behind', rank: 1, waitedMs: 0, ...turn }, { updateMs: UPDATE_MS, slowestMs }, random);

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

  test('it gives each older one the time of two waits for a slot besides: for its look and for its UPDATE', () => {
    // A crowded warehouse: the first look has taken 12 s, and the head knows of its place no earlier.
    expect(move({ waitedMs: 12_377 }, 0.5, 12_000)).toMatchObject({ kind: 'look' });
    expect(move({ waitedMs: 51_000 }, 0.5, 12_000)).toMatchObject({ kind: 'look' });
    expect(move({ waitedMs: 51_001 }, 0.5, 12_000)).toEqual({ kind: 'serve' });
  });

  test('patience ends at 30 s, however long statements take', () => {
    expect(patienceMs({ updateMs: 500, slowestMs: 0 })).toBe(1_500);
    expect(patienceMs({ updateMs: 9_000, slowestMs: 1_499 })).toBe(29_998);
    expect(patienceMs({ updateMs: 60_000, slowestMs: 0 })).toBe(30_000);
    expect(patienceMs({ updateMs: 500, slowestMs: 60_000 })).toBe(30_000);
  });
});

describe('the slowest statement of late', () => {
  test('is known from INSERTs and looks, without the time of the client, and fades', () => {
    const measurements = new Measurements();
    measurements.answered(100);
    expect(measurements.slowestMs).toBe(0);
    expect(measurements.ran(12_100)).toBe(12_000);
    expect(measurements.slowestMs).toBe(12_000);
    expect(measurements.ran(500)).toBe(400);
    expect(measurements.slowestMs).toBe(10_800);
    expect(measurements.ran(20_100)).toBe(20_000);
    expect(measurements.slowestMs).toBe(20_000);
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

/** The meter: its sums count every statement, and its readings the last ones. */
import { expect, test } from 'vitest';
import { Meter, type Reading } from './meter.js';

const READING: Reading = {
  ...{ kind: 'select', table: undefined, tag: 'pod', session: 1, text: 'SELECT 1', locks: false, free: true },
  ...{ queuedMs: 1, lockWaitMs: 2, slotMs: 3, rows: 1, bindBytes: 10, code: undefined },
};

test('adds up what was read', () => {
  const meter = new Meter();
  meter.record(READING);
  meter.record({ ...READING, kind: 'update', locks: true, free: false, tag: 'other', code: '000625', bindBytes: 7 });
  expect(meter.report()).toEqual({
    ...{ statements: 2, byKind: { select: 1, update: 1 }, byTag: { pod: 1, other: 1 }, locking: 1, free: 1 },
    ...{ failed: { '000625': 1 }, queuedMs: 2, lockWaitMs: 4, slotMs: 6, largestBindBytes: 10 },
  });
  expect(meter.report(({ tag }) => tag === 'other')).toMatchObject({ statements: 1, largestBindBytes: 7 });
  meter.reset();
  expect(meter.report()).toMatchObject({ statements: 0, byKind: {}, slotMs: 0 });
});

test('a report is of its time: what comes later does not change it', () => {
  const meter = new Meter();
  meter.record(READING);
  const report = meter.report();
  meter.record(READING);
  expect(report).toMatchObject({ statements: 1, byKind: { select: 1 }, byTag: { pod: 1 } });
});

test('forgets readings after many, and no sum; a report of some of them says so', () => {
  const meter = new Meter();
  for (let i = 0; i < 100_000; i++) meter.record(READING);
  expect(meter.report()).toMatchObject({ statements: 100_000, byKind: { select: 100_000 }, slotMs: 300_000 });
  expect(meter.readings.length).toBeGreaterThanOrEqual(20_000);
  expect(meter.readings.length).toBeLessThanOrEqual(40_000);
  expect(() => meter.report(({ tag }) => tag === 'pod')).toThrow(/^The meter has forgotten \d+ readings: reset it/);
  meter.reset();
  meter.record(READING);
  expect(meter.report(() => true).statements).toBe(1);
});

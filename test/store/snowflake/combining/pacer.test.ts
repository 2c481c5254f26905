/** What a pod derives from its looks: the path, the pace, and what it reports. */
import { describe, expect, test } from 'vitest';
import { Pacer } from '../../../../src/store/snowflake/combining/pacer.js';

const pacerOf = (combines = true) => new Pacer({ statementSlots: 8, combines });
const NOBODY = { asked: 0, slotMs: null, otherMs: null, due: 0 };
const OTHERS = { asked: 40, slotMs: 450, otherMs: 100, due: 0 };
const NEW_WORK = { ...NOBODY, due: 1 };

describe('the pace', () => {
  test('leaves a pod alone, on the direct path', () => {
    const pacer = pacerOf();
    pacer.looked(NOBODY, 0);
    expect(pacer.path(1_000)).toBe('direct');
    expect(pacer.paceAfter(0, 1_000, 500, 1)).toEqual({ waitMs: 0, intervalMs: 0, batch: 500, idleMs: 1_000 });
  });

  test('spreads a fleet of forty over 4.5 s each, counted from the start of the exchange', () => {
    const pacer = pacerOf();
    pacer.looked(OTHERS, 0);
    pacer.counted(40);
    expect(pacer.path(0)).toBe('log');
    expect(pacer.paceAfter(0, 3_000, 500, 1)).toMatchObject({ waitMs: 1_500, idleMs: 1_500, throttled: 'slots' });
    // An unused permit goes at once.
    expect(pacer.paceAfter(0, 60_000, 500, 1).waitMs).toBe(0);
    pacer.looked(OTHERS, 60_000);
    expect(pacer.paceAfter(60_000, 60_000, 500, 0.75).waitMs).toBe(3_375);
  });

  test('is slower after refused INSERTs, and recovers with requests that were not refused', () => {
    const pacer = pacerOf();
    pacer.looked({ ...OTHERS, asked: 4 }, 0);
    expect(pacer.paceAfter(0, 0, 500, 1)).toMatchObject({ waitMs: 450 });
    pacer.logged(1, 0);
    expect(pacer.paceAfter(0, 0, 500, 1)).toMatchObject({ waitMs: 675, throttled: 'refused' });
    pacer.logged(0, 0);
    pacer.logged(0, 0);
    expect(pacer.paceAfter(0, 0, 500, 1)).toEqual({ waitMs: 450, intervalMs: 450, batch: 500, idleMs: 1_000 });
  });

  test('is no longer slowed by refusals when the pod has logged no request for a minute, or goes direct', () => {
    const among = (otherMs: number, now: number, pacer = pacerOf()) => {
      pacer.looked({ ...OTHERS, asked: 4, otherMs }, now);
      return pacer;
    };
    const idle = among(100, 0);
    idle.logged(1, 0);
    expect(idle.paceAfter(0, 0, 500, 1).throttled).toBe('refused');
    expect(among(100, 60_000, idle).paceAfter(60_000, 60_000, 500, 1).throttled).toBe('refused');
    expect(among(100, 60_001, idle).paceAfter(60_001, 60_001, 500, 1).throttled).toBe(undefined);
    const alone = among(100, 0);
    alone.logged(1, 0);
    expect(among(30_000, 10_000, alone).paceAfter(10_000, 10_000, 500, 1).throttled).toBe(undefined);
  });

  test('goes direct again when the others have been silent for ten UPDATEs', () => {
    const pacer = pacerOf();
    pacer.looked(OTHERS, 0);
    pacer.looked({ ...OTHERS, otherMs: 6_600 }, 6_500);
    expect(pacer.path(6_500)).toBe('log');
    pacer.looked({ ...OTHERS, otherMs: 6_601 }, 6_501);
    expect(pacer.path(6_501)).toBe('direct');
    pacer.waited(6_501);
    expect(pacer.path(13_101)).toBe('log');
  });

  test('does not take others for silent because it has not looked for long', () => {
    const pacer = pacerOf();
    pacer.counted(100);
    pacer.looked({ ...OTHERS, asked: 100 }, 0);
    expect(pacer.intervalMs(0)).toBeGreaterThan(10 * pacer.measurements.updateMs);
    expect(pacer.path(60_000)).toBe('log');
  });

  test('goes direct as soon whatever a request says that is dated ahead', () => {
    const pacer = pacerOf();
    pacer.looked({ ...OTHERS, otherMs: -3_600_000 }, 0);
    pacer.looked(NOBODY, 6_600);
    expect(pacer.path(6_600)).toBe('log');
    pacer.looked(NOBODY, 6_601);
    expect(pacer.path(6_601)).toBe('direct');
  });

  test('always goes through the log where a test wants it', () => {
    const pacer = new Pacer({ statementSlots: 8, combines: 'always' });
    pacer.looked(NOBODY, 0);
    expect(pacer.path(60_000)).toBe('log');
  });

  test('is not shortened by an older look that comes late', () => {
    const pacer = pacerOf();
    pacer.looked(OTHERS, 5_000);
    pacer.looked({ ...NOBODY, otherMs: 60_000 }, 5_100);
    expect(pacer.path(5_200)).toBe('log');
  });

  test('sends all through the log when work comes to a fleet that is idle', () => {
    const pacer = pacerOf();
    pacer.counted(40);
    pacer.looked(NOBODY, 0);
    expect(pacer.path(0)).toBe('direct'); // what it hands in is its own
    pacer.looked(NEW_WORK, 1_000);
    pacer.looked(NEW_WORK, 7_600);
    expect(pacer.path(7_600)).toBe('log');
    expect(pacer.intervalMs(7_600)).toBe(0);
    // The others had their time to take it.
    pacer.looked(NEW_WORK, 7_601);
    expect(pacer.path(7_601)).toBe('direct');
    pacer.looked(NOBODY, 8_000);
    pacer.looked(NEW_WORK, 9_000);
    expect(pacer.path(9_000)).toBe('log');
  });

  test('leaves a pod alone with new work on the direct path, and two pods too', () => {
    const pacer = pacerOf();
    pacer.looked(NEW_WORK, 0);
    expect(pacer.path(0)).toBe('direct');
    pacer.counted(2);
    expect(pacer.path(0)).toBe('direct');
    pacer.counted(3);
    expect(pacer.path(0)).toBe('log');
  });

  test('does not limit pods that do not combine', () => {
    const pacer = pacerOf(false);
    pacer.looked(OTHERS, 0);
    pacer.counted(500);
    expect(pacer.path(0)).toBe('direct');
    expect(pacer.paceAfter(0, 0, 500, 1)).toEqual({ waitMs: 0, intervalMs: 0, batch: 500, idleMs: 0 });
  });
});

test('the client is measured again after a minute', () => {
  const pacer = pacerOf();
  expect(pacer.knowsClient(0)).toBe(false);
  pacer.answered(280, 0);
  expect(pacer.knowsClient(59_999)).toBe(true);
  expect(pacer.knowsClient(60_000)).toBe(false);
});

test('the age of the last look is known from the first on', () => {
  const pacer = pacerOf();
  expect(pacer.readAgeMs(5)).toBe(null);
  pacer.looked(NOBODY, 5);
  expect(pacer.readAgeMs(1_005)).toBe(1_000);
});

test('the report has what a person needs to see why exchanges are rare', () => {
  const pacer = pacerOf();
  pacer.looked(OTHERS, 0);
  pacer.counted(40);
  pacer.logged(1, 0);
  pacer.paceAfter(0, 0, 500, 1);
  expect(pacer.report(0)).toEqual({
    ...{ path: 'log', intervalMs: 6_750, idleIntervalMs: 1_500, activePods: 40, updateMs: 660, slotMs: 450 },
    ...{ ease: 1.5, throttled: 'refused' },
  });
});

/** How often pods exchange and look: the arithmetic, and what was measured for it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { easeAfter, NO_EASE } from '../../../../src/store/snowflake/combining/ease.js';
import { Measurements } from '../../../../src/store/snowflake/combining/measurements.js';
import { exchangeIntervalMs, lookIntervalMs } from '../../../../src/store/snowflake/combining/pace.js';
import { throttleOf } from '../../../../src/store/snowflake/combining/throttle.js';

describe('the interval between two exchanges', () => {
  test.each([
    [1, 400, 8, 100],
    [10, 400, 8, 1_000],
    [40, 450, 8, 4_500],
    [100, 450, 8, 11_250],
    [100, 450, 16, 5_625],
  ])('of %i pods with %i ms in the warehouse each, and %i slots, is %i ms', (asked, slotMs, slots, ms) => {
    expect(exchangeIntervalMs({ asked, slotMs }, slots)).toBe(ms);
  });

  test('counts 450 ms for each if nothing was reported, and 900 ms at most', () => {
    expect(exchangeIntervalMs({ asked: 10, slotMs: null }, 8)).toBe(1_125);
    expect(exchangeIntervalMs({ asked: 10, slotMs: 900 }, 8)).toBe(2_250);
    expect(exchangeIntervalMs({ asked: 10, slotMs: 60_000 }, 8)).toBe(2_250);
  });

  test('is bounded, whatever a request written by hand reports', () => {
    for (const slotMs of [-5, -1e300, 1e300, Infinity, -Infinity]) {
      const ms = exchangeIntervalMs({ asked: 10, slotMs }, 8);
      expect(ms).toBeGreaterThanOrEqual(0);
      expect(ms).toBeLessThanOrEqual(2_250);
    }
  });

  test('lets all pods together use half of the slots', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2_000 }),
        fc.integer({ min: 1, max: 900 }),
        fc.integer({ min: 1, max: 64 }),
        (asked, slotMs, slots) => {
          const usedSlots = (asked * slotMs) / exchangeIntervalMs({ asked, slotMs }, slots);
          expect(usedSlots).toBeCloseTo(slots / 2, 6);
        },
      ),
    );
  });
});

describe('the interval between two looks of an idle pod', () => {
  test.each([
    [1, 60, 8, 1_000],
    [26, 60, 8, 1_000],
    [40, 60, 8, 1_500],
    [100, 120, 8, 7_500],
    [1_000, 120, 32, 18_750],
  ])('of %i pods with SELECTs of %i ms, and %i slots, is %i ms', (pods, selectMs, slots, ms) => {
    expect(lookIntervalMs(pods, selectMs, slots)).toBe(ms);
  });
});

describe('the ease', () => {
  test('grows by half with each refusal, up to six, and shrinks by a fifth with each request that was not refused', () => {
    expect(easeAfter(NO_EASE, 1)).toBe(1.5);
    expect(easeAfter(NO_EASE, 2)).toBe(2.25);
    expect(easeAfter(4.5, 1)).toBe(6);
    expect(easeAfter(NO_EASE, 100)).toBe(6);
    expect(easeAfter(3, 0)).toBeCloseTo(2.4);
    expect(easeAfter(1.1, 0)).toBe(NO_EASE);
    expect(easeAfter(NO_EASE, 0)).toBe(NO_EASE);
  });
});

describe('the throttle', () => {
  test('begins at two seconds and ends below one, so that it does not change all the time', () => {
    const through = (...intervals: number[]) => {
      let state: ReturnType<typeof throttleOf>;
      return intervals.map((intervalMs) => (state = throttleOf(state, { intervalMs, ease: NO_EASE })));
    };
    expect(through(0, 1_999, 2_000, 1_500, 1_000, 999, 1_999)).toEqual([
      ...[undefined, undefined, 'slots', 'slots', 'slots', undefined, undefined],
    ]);
  });

  test('says that statements were refused as long as the interval is longer for it', () => {
    expect(throttleOf(undefined, { intervalMs: 100, ease: 1.5 })).toBe('refused');
    expect(throttleOf('slots', { intervalMs: 5_000, ease: 1.2 })).toBe('refused');
    expect(throttleOf('refused', { intervalMs: 5_000, ease: NO_EASE })).toBe('slots');
    expect(throttleOf('refused', { intervalMs: 500, ease: NO_EASE })).toBe(undefined);
  });
});

describe('measurements', () => {
  test('begin with what one public measurement of a small warehouse shows', () => {
    const { clientMs, updateMs, selectSlotMs, exchangeSlotMs } = new Measurements();
    expect({ clientMs, updateMs, selectSlotMs, exchangeSlotMs }).toEqual({
      ...{ clientMs: 300, updateMs: 660, selectSlotMs: 60, exchangeSlotMs: 450 },
    });
  });

  test('the time of the client is the median of the last five statements that need no warehouse', () => {
    const measured = new Measurements();
    for (const ms of [100, 200]) measured.answered(ms);
    expect(measured.clientMs).toBe(150);
    for (const ms of [5_000, 40, 60, 50, 70]) measured.answered(ms);
    expect(measured.clientMs).toBe(60);
    expect(measured.inWarehouse(100)).toBe(40);
    expect(measured.inWarehouse(10)).toBe(0);
  });

  test('the slot time of a SELECT is the median of the last five, from 20 to 120 ms', () => {
    const measured = new Measurements();
    for (let i = 0; i < 3; i++) measured.answered(100);
    const after = (...tookMs: number[]) => {
      for (const ms of tookMs) measured.selected(ms);
      return measured.selectSlotMs;
    };
    expect(after(190, 190, 190)).toBe(90);
    expect(after(101, 101, 101, 101, 101)).toBe(20);
    expect(after(9_000, 9_000, 9_000, 9_000, 9_000)).toBe(120);
  });

  test('the slot time of an exchange is the least of the last five, and the assumed one counts as one of them', () => {
    const measured = new Measurements();
    const after = (...slotMs: number[]) => {
      for (const ms of slotMs) measured.exchanged(ms);
      return measured.exchangeSlotMs;
    };
    expect(after(2_650, 1_800, 900, 700)).toBe(450);
    expect(after(800)).toBe(700);
    expect(after(2_650, 2_650, 2_650, 2_650)).toBe(800);
    expect(after(2_650)).toBe(2_650);
    expect(after(200)).toBe(200);
  });

  test('a crowd that passes leaves the slot time as it was', () => {
    const measured = new Measurements();
    for (const ms of [470, 470, 470, 470, 470, 2_650, 1_900, 1_200, 800]) measured.exchanged(ms);
    expect(measured.exchangeSlotMs).toBe(470);
  });

  test('the time of an UPDATE follows the newest by three tenths', () => {
    const measured = new Measurements();
    measured.updated(1_660);
    expect(measured.updateMs).toBe(960);
    for (let i = 0; i < 50; i++) measured.updated(200);
    expect(measured.updateMs).toBeCloseTo(200, 0);
  });
});

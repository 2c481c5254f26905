/** The arithmetic and the report of the benchmark on the modelled warehouse. */
import { expect, test } from 'vitest';
import * as arithmetic from '../../bench/snowflake/arithmetic.js';
import { chart } from '../../bench/snowflake/chart.js';
import { BOUNDS, emptyFigures, FIGURES } from '../../bench/snowflake/figures/figures.js';
import { misses, table, type Results } from '../../bench/snowflake/report.js';

const none = (): Results => ({ ours: emptyFigures(), direct: emptyFigures(), naive: emptyFigures() });

test('a percentile is one of the values, in whatever order they come', () => {
  const values = Array.from({ length: 100 }, (_, n) => 100 - n);
  expect(arithmetic.percentile(values, 0.99)).toBe(99);
  expect(arithmetic.percentile(values, 1)).toBe(100);
  expect(arithmetic.percentile(values, 0)).toBe(1);
  expect(arithmetic.percentile([7], 0.5)).toBe(7);
});

test('the percentile of no values is infinite, so a fleet that settles nothing misses its bound', () => {
  expect(arithmetic.percentile([], 0.99)).toBe(Infinity);
});

test('statements are counted for 1,000 steps, and for an hour', () => {
  expect(arithmetic.perThousand(12, 3_000)).toBe(4);
  expect(arithmetic.perHour(5, 300)).toBe(60);
});

test('a warehouse that never suspends runs all the time', () => {
  expect(arithmetic.shareOfTime(36, 3_600)).toBe(0.01);
  expect(arithmetic.shareOfTime(3_660, 3_600)).toBe(1);
});

test('an hour in which a million steps are done takes one credit', () => {
  expect(arithmetic.creditsPerMillion(3_600, 1_000_000)).toBe(1);
  expect(arithmetic.creditsPerMillion(36, 5_000)).toBe(2);
});

test('a fleet whose slots are never free uses all its capacity', () => {
  expect(arithmetic.shareOfCapacity({ steps: 12_000, stepSeconds: 1, slots: 400, seconds: 30 })).toBe(1);
  expect(arithmetic.shareOfCapacity({ steps: 3_000, stepSeconds: 2, slots: 400, seconds: 30 })).toBe(0.5);
});

/** Every bound is just reached. */
function reached(): Results {
  const results = none();
  for (const figure of FIGURES) results.ours[figure] = BOUNDS[figure]?.most ?? BOUNDS[figure]?.least ?? null;
  return results;
}

test('the bounds are those of FLEET-Q alone, and a bound that is just reached is reached', () => {
  const results = reached();
  results.naive.fortyPodsRefused = 900;
  expect(misses(results)).toEqual([]);
  results.ours.fortyPodsRefused = 1;
  results.ours.fortyPodsCapacity = 0.949;
  results.ours.statementsPerExchangeDirect = 2.1;
  expect(misses(results)).toEqual(['statementsPerExchangeDirect', 'fortyPodsCapacity', 'fortyPodsRefused']);
});

test('a figure that was not measured, or that has no end, misses its bound', () => {
  const results = reached();
  results.ours.idleStatementsPerHour = null;
  results.ours.fortyPodsSettleP99S = Infinity;
  expect(misses(results)).toEqual(['fortyPodsSettleP99S', 'idleStatementsPerHour']);
  results.ours.creditsPerMillionSteps = null; // has none
  expect(misses(none())).toEqual(Object.keys(BOUNDS));
});

test('the table has a line for each figure, and says what was missed', () => {
  const results = none();
  results.ours.loneStepLocks = 4;
  const lines = table(results).split('\n');
  expect(lines).toHaveLength(FIGURES.length + 1);
  expect(lines.find((line) => line.startsWith('loneStepLocks'))).toMatch(/ 4 +- +- +≤ 3 +MISSED$/);
});

test('the chart shows each scheme, and a figure that is missing as a dash', () => {
  const results = none();
  results.naive.idleStatementsPerHour = 16_200;
  const svg = chart(results);
  expect(svg.match(/<rect class="(ours|direct|naive)"/g)).toHaveLength(15);
  expect(svg).toContain('>16,200<');
  expect(svg).toContain('>-<');
  expect(svg).not.toContain('NaN');
});

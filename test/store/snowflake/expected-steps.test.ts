/** Which submitted steps a look must show before the pod may call anything quiet. */
import { expect, test } from 'vitest';
import { ExpectedSteps } from '../../../src/store/snowflake/exchange/expected-steps.js';

test('a step is expected until a look that was asked for it has shown it', () => {
  const expected = new ExpectedSteps();
  expected.add('a', 0);
  const asked = expected.at(10);
  expected.add('b', 20);
  expected.seen(asked, 0);
  expect(expected.at(30)).toEqual(['a', 'b']);
  expected.seen(asked, 1);
  expect(expected.at(40)).toEqual(['b']);
  expect(expected.empty).toBe(false);
  expected.seen(['b'], 1);
  expect(expected.empty).toBe(true);
});

test('a step that no look shows is expected for ten minutes', () => {
  const expected = new ExpectedSteps();
  expected.add('a', 0);
  expect(expected.at(600_000)).toEqual(['a']);
  expect(expected.at(600_001)).toEqual([]);
  expect(expected.empty).toBe(true);
});

test('a process that submits and never looks keeps the newest hundred only', () => {
  const expected = new ExpectedSteps();
  for (let i = 0; i < 10_000; i++) expected.add(`step-${i}`, i);
  const kept = expected.at(10_000);
  expect([kept.length, kept[0], kept.at(-1)]).toEqual([100, 'step-9900', 'step-9999']);
});

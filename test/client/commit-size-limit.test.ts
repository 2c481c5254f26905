/** The size of one commit. */
import { expect, it } from 'vitest';
import { commitEnd } from '../../src/client/commit-size-limit.js';

const text = (payload: string): string => payload;
const LONG = 'x'.repeat(600_000);

it('takes as many steps as the store allows, from where the last commit ended', () => {
  const steps = Array.from({ length: 10 }, () => 'x');
  expect(commitEnd(steps, 0, 4, text)).toBe(4);
  expect(commitEnd(steps, 4, 4, text)).toBe(8);
  expect(commitEnd(steps, 8, 4, text)).toBe(10);
});

it('takes about a million characters, however few the steps are', () => {
  expect(commitEnd([LONG, LONG, LONG], 0, 500, text)).toBe(1);
  expect(commitEnd(['x', LONG, LONG], 0, 500, text)).toBe(2);
});

it('takes at least one step, however long it is', () => {
  expect(commitEnd([LONG + LONG, 'x'], 0, 500, text)).toBe(1);
});

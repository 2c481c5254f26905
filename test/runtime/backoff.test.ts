/** How long pauses are, and what they are spread over. */
import { describe, expect, it } from 'vitest';
import {
  doubledMs,
  doubleJitterMs,
  exponentialMs,
  flatJitterMs,
  fullJitterMs,
  halfJitterMs,
  jitteredIntervalMs,
} from '../../src/runtime/backoff.js';

/** The least and the greatest that a runtime draws, and one between. */
const DRAWS = [0, 0.5, 1 - 2 ** -53] as const;

describe('an exponential pause', () => {
  it.each([
    [50, 3_000, 0, 2, 50],
    [50, 3_000, 1, 2, 100],
    [50, 3_000, 5, 2, 1_600],
    [50, 3_000, 6, 2, 3_000],
    [50, 3_000, 10_000, 2, 3_000],
    [50, 20, 0, 2, 20],
    [1_000, 300_000, 3, 3, 27_000],
    [1_000, 300_000, 4, 1, 1_000],
    [2, 250, 1.5, 2, 2 * 2 ** 1.5],
    [0, 3_000, 10_000, 2, 0],
  ])('from %i up to %i after %d failures, by %i, is %d', (firstMs, longestMs, failures, factor, pauseMs) => {
    expect(exponentialMs(firstMs, longestMs, failures, factor)).toBe(pauseMs);
  });

  it('doubles by default', () => {
    expect(exponentialMs(50, 3_000, 3)).toBe(400);
  });
});

it.each([
  [100, 3_000, 200],
  [2_000, 3_000, 3_000],
  [3_000, 3_000, 3_000],
  [2_000, undefined, 4_000],
])('after a pause of %i, up to %s, comes one of %i', (pauseMs, longestMs, next) => {
  expect(doubledMs(pauseMs, longestMs)).toBe(next);
});

describe('jitter', () => {
  it.each([
    ['flat', (random: number) => flatJitterMs(1, 3, random), [1, 2, 3]],
    ['half', (random: number) => halfJitterMs(1_000, random), [500, 750, 1_000]],
    ['double', (random: number) => doubleJitterMs(500, random), [500, 750, 1_000]],
    ['early', (random: number) => jitteredIntervalMs(1_000, 0.1, random), [1_000, 950, 900]],
  ])('of the %s kind goes from end to end', (_, jitter, [first, middle, last]) => {
    const [least, between, most] = DRAWS.map(jitter);
    expect([least, between]).toEqual([first, middle]);
    expect(most).toBeCloseTo(last ?? NaN, 9);
  });

  it('of the full kind draws whole ms, both ends included, each as likely', () => {
    expect(DRAWS.map((random) => fullJitterMs(4, random))).toEqual([0, 2, 4]);
    expect([0, 0.19, 0.2, 0.79, 0.8].map((random) => fullJitterMs(4.9, random))).toEqual([0, 0, 1, 3, 4]);
    expect(DRAWS.map((random) => fullJitterMs(0, random))).toEqual([0, 0, 0]);
  });
});

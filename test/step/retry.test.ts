import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_RETRY, retryDelayMs } from '../../src/step/retry.js';

const policy = fc.record({
  baseMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
  capMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
  factor: fc.double({ min: 1, max: 100, noNaN: true }),
});
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('the delay of a retry', () => {
  it('is a whole number within the span of its policy, whatever the count', () => {
    fc.assert(
      fc.property(policy, fc.nat(1_000_000), random, (given, retryCount, drawn) => {
        const delayMs = retryDelayMs(given, retryCount, drawn);
        const widest = Math.min(given.capMs, given.baseMs === 0 ? 0 : given.baseMs * given.factor ** retryCount);
        expect(Number.isInteger(delayMs)).toBe(true);
        expect(delayMs).toBeGreaterThanOrEqual(0);
        expect(delayMs).toBeLessThanOrEqual(widest);
      }),
    );
  });

  it('grows by the factor up to the cap, with full jitter from 0 to the maximum', () => {
    const widest = [0, 1, 2, 3, 8, 9, 1_000].map((retryCount) => retryDelayMs(DEFAULT_RETRY, retryCount, 1 - 1e-12));
    expect(widest).toEqual([1_000, 2_000, 4_000, 8_000, 256_000, 300_000, 300_000]);
    expect(retryDelayMs(DEFAULT_RETRY, 5, 0)).toBe(0);
  });

  it('is spread evenly', () => {
    const drawn = Array.from({ length: 1_001 }, (_, i) => retryDelayMs(DEFAULT_RETRY, 0, (i + 0.5) / 1_001));
    expect(drawn).toEqual(Array.from({ length: 1_001 }, (_, i) => i));
  });

  it('is 0 for a base of 0, whatever the count', () => {
    expect(retryDelayMs({ baseMs: 0, capMs: 1_000, factor: 2 }, 5_000, 0.5)).toBe(0);
  });
});

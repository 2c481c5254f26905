/**
 * The arithmetic of pauses between tries: how they grow, and how they are spread at random.
 *
 * Invariants:
 * - Pure. The caller draws `random`, from 0 to below 1.
 * - A pause never exceeds its bound, however many tries have failed.
 *
 * Who pauses how: a busy database, `store/busy-retry.ts`; an exchange that failed, `pool/exchange/exchange-channel.ts`; a
 * failed heartbeat, `fleet/heartbeat.ts`; a call to Snowflake, `store/snowflake/session`; a failed step, `step/retry.ts`;
 * a worker whose store is away, `cli/worker/open-with-retries.ts`.
 */

/** The pause after `failures` failures, 0 or more: `firstMs`, then `factor` times as long each time, up to `longestMs`. */
export function exponentialMs(firstMs: number, longestMs: number, failures: number, factor = 2): number {
  if (firstMs === 0) return 0; // otherwise 0 × Infinity is NaN
  return Math.min(longestMs, firstMs * factor ** failures);
}

/** The pause after one of `pauseMs`: twice as long, up to `longestMs`. */
export function doubledMs(pauseMs: number, longestMs = Infinity): number {
  return Math.min(longestMs, 2 * pauseMs);
}

/** Between `leastMs` and `mostMs`: for many callers that wait for one resource, each for a short time. */
export function flatJitterMs(leastMs: number, mostMs: number, random: number): number {
  return leastMs + (mostMs - leastMs) * random;
}

/** Between half of `pauseMs` and all of it: spreads pods that failed together, and no pod returns at once. */
export function halfJitterMs(pauseMs: number, random: number): number {
  return pauseMs * (0.5 + 0.5 * random);
}

/** Between `pauseMs` and twice that, where `pauseMs` is the least that makes sense. */
export function doubleJitterMs(pauseMs: number, random: number): number {
  return pauseMs * (1 + random);
}

/** Whole ms between 0 and `pauseMs`, both included: spreads many callers best, and some of them return at once. */
export function fullJitterMs(pauseMs: number, random: number): number {
  return Math.floor(random * (Math.floor(pauseMs) + 1));
}

/** An interval that ends early by up to `share` of it, so that timers that started together spread out. */
export function jitteredIntervalMs(intervalMs: number, share: number, random: number): number {
  return intervalMs * (1 - share * random);
}

/**
 * Computes when a failed step is tried again: exponential backoff with full jitter.
 *
 * The delay before retry n is uniform in `[0, min(capMs, baseMs × factor^(n−1))]`, the variant that spreads
 * competing retries best (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 */
import { exponentialMs, fullJitterMs } from '../runtime/backoff.js';

/** A retry policy, of a queue or of one step type. */
export interface RetryPolicy {
  /** The longest delay before the first retry, in ms. Default 1,000. */
  readonly baseMs: number;
  /** The longest delay before any retry, in ms. Default 300,000. */
  readonly capMs: number;
  /** The factor by which the longest delay grows with each retry. Default 2. */
  readonly factor: number;
}

export const DEFAULT_RETRY: RetryPolicy = { baseMs: 1_000, capMs: 300_000, factor: 2 };

/** The delay in ms before the retry that follows `retryCount` charged failures. @param random `0 <= n < 1` */
export function retryDelayMs(policy: RetryPolicy, retryCount: number, random: number): number {
  return fullJitterMs(exponentialMs(policy.baseMs, policy.capMs, retryCount, policy.factor), random);
}

/**
 * How long a statement that was turned away waits before it is sent again: too many waited for a lock, the wait took too
 * long, or a deadlock was resolved.
 *
 * Invariants:
 * - The first pause lasts at least one UPDATE, so that the queue for the lock has moved when the statement comes back. Each
 *   further one is twice as long, up to a bound, and all are spread at random.
 * - How long an UPDATE takes is what this pod has seen. The shortest of the last few counts: a longer one has waited for
 *   the lock itself.
 */
import { doubleJitterMs, exponentialMs } from '../../../runtime/backoff.js';
import type { Pause } from '../../busy-retry.js';

/** Until one has been seen. One public measurement of an X-Small: 388 ms on the server, 660 ms for the client. */
const ESTIMATE_MS = 500;
/** A faster one than any warehouse's says nothing. */
const LEAST_MS = 50;
const LONGEST_MS = 30_000;
const REMEMBERED = 8;

export class LockBackoff {
  readonly #took: number[] = [];

  /** An UPDATE went through, after so long. */
  updated(tookMs: number): void {
    if (this.#took.push(tookMs) > REMEMBERED) this.#took.shift();
  }

  readonly pause: Pause = ({ tries }, random) => {
    const updateMs = this.#took.length === 0 ? ESTIMATE_MS : Math.max(LEAST_MS, Math.min(...this.#took));
    return doubleJitterMs(exponentialMs(updateMs, LONGEST_MS / 2, tries - 1), random);
  };
}

/**
 * How long a statement waits before it is sent again, after it could not get the lock of a table.
 *
 * Invariants:
 * - The first pause lasts at least as long as one UPDATE, so that the queue for the lock has moved when the statement comes
 *   back. Each further pause is twice as long, up to a limit. All pauses are spread at random.
 * - The length of an UPDATE is measured in this process. The shortest of the last few counts, because a longer one has waited
 *   for the lock itself.
 */
import { doubleJitterMs, exponentialMs } from '../../../runtime/backoff.js';
import type { Pause } from '../../busy-retry.js';

/** Used until an UPDATE was measured. A published measurement on an X-Small: 388 ms on the server, 660 ms for the client. */
const ESTIMATE_MS = 500;
/** No warehouse runs an UPDATE faster, so a shorter measurement is an error. */
const SHORTEST_MS = 50;
const LONGEST_MS = 30_000;
const REMEMBERED = 8;

export class LockBackoff {
  readonly #took: number[] = [];

  /** An UPDATE went through after the given time. */
  updated(tookMs: number): void {
    if (this.#took.push(tookMs) > REMEMBERED) this.#took.shift();
  }

  readonly pause: Pause = ({ tries }, random) => {
    const updateMs = this.#took.length === 0 ? ESTIMATE_MS : Math.max(SHORTEST_MS, Math.min(...this.#took));
    return doubleJitterMs(exponentialMs(updateMs, LONGEST_MS / 2, tries - 1), random);
  };
}

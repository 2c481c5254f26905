/**
 * Opens a queue, and tries again while its store is away.
 *
 * Invariants: only a failure that the store calls transient is tried again. Any other would fail in the same way.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '../../index.js';
import { exponentialMs, halfJitterMs } from '../../runtime/backoff.js';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/** @throws the error of the first attempt that is not transient, or the reason of `signal` */
export async function openWithRetries(open: () => Promise<void>, log: Logger, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await open();
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (!isTransient(error)) throw error;
      const retryInMs = pauseBefore(attempt);
      log.warn({ error, attempt, retryInMs }, 'the store could not be opened; trying again');
      await pause(retryInMs, undefined, { signal });
    }
  }
}

/** The pauses double, and are random, so that a fleet does not come back all at once. */
function pauseBefore(attempt: number): number {
  return Math.round(halfJitterMs(exponentialMs(FIRST_PAUSE_MS, LONGEST_PAUSE_MS, attempt - 1), Math.random()));
}

/** Looks at the field, not at the class: the queue may come from another copy of the package. */
function isTransient(error: unknown): boolean {
  return typeof error === 'object' && error !== null && (error as { transient?: unknown }).transient === true;
}

/** Settings that all processes and the checker share. The intervals are short, so that much happens in a run. */
import path from 'node:path';

export const TIMING = { heartbeatIntervalMs: 400, deadAfterMs: 2_400, recoveryIntervalMs: 400 } as const;

export const SLOTS = 8;
export const MAX_CRASHES = 3;
export const DRAIN_MS = 1_500;
export const SUBMITTERS = 3;
/** Shorter than the longest lock, so that some calls fail. */
export const BUSY_TIMEOUT_MS = 3_000;

/** The limit of a type on one pod, where it is lower than the number of slots. */
export const CONCURRENCY: Readonly<Record<string, number>> = { single: 1, deaf: 2 };

export const fileIn = (folder: string): string => path.join(folder, 'queue.db');

/** The slot that a process fills: `pod-0` of the life `pod-0.3`. */
export const slotOf = (life: string): string => life.slice(0, life.lastIndexOf('.'));

/** The exit code of a program that could not open the store. It is started again. */
export const TRY_AGAIN = 75;

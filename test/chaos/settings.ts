/** What the processes, the choreography and the checker agree on. The intervals are short: a run shall see much. */
import path from 'node:path';

export const TIMING = { heartbeatIntervalMs: 400, deadAfterMs: 2_400, recoveryIntervalMs: 400 } as const;

export const SLOTS = 8;
export const MAX_CRASHES = 3;
export const DRAIN_MS = 1_500;
export const SUBMITTERS = 3;
/** Shorter than the longest lock, so that calls also end in an error. */
export const BUSY_TIMEOUT_MS = 3_000;

/** Most handlers of a type at a time on one pod, where it is fewer than the slots. */
export const CONCURRENCY: Readonly<Record<string, number>> = { single: 1, deaf: 2 };

export const fileIn = (folder: string): string => path.join(folder, 'queue.db');

/** The slot that a process fills: `pod-0` of the life `pod-0.3`. */
export const slotOf = (life: string): string => life.slice(0, life.lastIndexOf('.'));

/** How a program ends that could not open the store: whoever keeps it shall start it again. */
export const TRY_AGAIN = 75;

/**
 * What follows from the two intervals of a pod, in ms. Pure: a pod computes the same for itself as its peers do for it.
 */

/** Calls that may hang one after another within the limit of the fence. */
const TRIES = 3;

/** For how long a freeze may last unnoticed. The limit stays above two heartbeats and a margin. */
export function marginMs(heartbeatMs: number, deadAfterMs: number): number {
  return Math.min(deadAfterMs / 4, (deadAfterMs - 2 * heartbeatMs) / 2);
}

/** For how long a pod may proceed without an answered heartbeat. */
export function limitMs(heartbeatMs: number, deadAfterMs: number): number {
  return deadAfterMs - marginMs(heartbeatMs, deadAfterMs);
}

/** A heartbeat that has hung for so long is sent again: one that is lost is made up for long before the limit. */
export function patienceMs(heartbeatMs: number, deadAfterMs: number): number {
  return limitMs(heartbeatMs, deadAfterMs) / TRIES;
}

/**
 * Within which a pod that lives is heard, once the store answers it again: its call hangs for the patience at most, then
 * it pauses for a heartbeat interval at most; another interval is for the way.
 */
export function heardWithinMs(heartbeatMs: number, deadAfterMs: number): number {
  return Math.min(deadAfterMs, patienceMs(heartbeatMs, deadAfterMs) + 2 * heartbeatMs);
}

/**
 * The time limits that follow from a pod's heartbeat interval and dead-after, in ms.
 *
 * Invariants:
 * - Pure: a pod computes the same limits for itself as its peers compute for it.
 * - A pod is fenced a margin before its peers may declare it dead.
 */

/** Heartbeats that may hang one after another before the pod is fenced. */
const TRIES = 3;

/** How long a freeze may last unnoticed. Two heartbeats and a margin fit before the fence. */
export function marginMs(heartbeatMs: number, deadAfterMs: number): number {
  return Math.min(deadAfterMs / 4, (deadAfterMs - 2 * heartbeatMs) / 2);
}

/** How long a pod may continue without an answered heartbeat. After that it is fenced. */
export function fenceAfterMs(heartbeatMs: number, deadAfterMs: number): number {
  return deadAfterMs - marginMs(heartbeatMs, deadAfterMs);
}

/** A heartbeat that has hung for this long is sent again, so that a lost one is replaced long before the fence. */
export function resendAfterMs(heartbeatMs: number, deadAfterMs: number): number {
  return fenceAfterMs(heartbeatMs, deadAfterMs) / TRIES;
}

/**
 * Once the store answers again, a live pod shows a sign of life within this time: its open call hangs until it is sent
 * again, then the pod pauses for one heartbeat interval at most; one more interval is for the round trip.
 */
export function heardWithinMs(heartbeatMs: number, deadAfterMs: number): number {
  return Math.min(deadAfterMs, resendAfterMs(heartbeatMs, deadAfterMs) + 2 * heartbeatMs);
}

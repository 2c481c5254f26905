/** How many claims to ask for. Pure arithmetic. */

export interface ClaimCountInput {
  readonly slots: number;
  /** Slots with a handler in them, strays included. */
  readonly busy: number;
  /** Claims held unstarted, and how many of those could start. */
  readonly unstarted: number;
  readonly startable: number;
  /** Completions per ms; 0 while nothing has completed. */
  readonly rate: number;
  /** From one exchange to the next, in ms. */
  readonly intervalMs: number;
  readonly roundTripMs: number;
  /** The most claims that are held ahead of a free slot. */
  readonly maxPrefetch: number;
  /** The most claims that the store returns at a time. */
  readonly batch: number;
}

/**
 * Claims for the slots that are free, and for those that become free before the next reply. The second number follows from
 * Little's law: completion rate × (time between exchanges + round trip), minus the unstarted claims.
 */
export function claimCounts(now: ClaimCountInput): { readonly free: number; readonly prefetch: number } {
  const idle = Math.max(0, now.slots - now.busy);
  const starting = Math.min(idle, now.startable);
  const free = Math.max(0, Math.min(now.batch, idle - starting));
  const ahead = Math.min(now.maxPrefetch, Math.floor(now.rate * (now.intervalMs + now.roundTripMs)));
  const prefetch = Math.max(0, Math.min(now.batch - free, ahead - (now.unstarted - starting)));
  return { free, prefetch };
}

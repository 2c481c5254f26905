/** Claims, and the incarnations that hold them. */

/** An incarnation: one life of a pod. */
export interface PodRef {
  readonly podId: string;
  /** A UUID that the pod chooses before it registers. */
  readonly incarnation: string;
}

/**
 * Identifies one claim of one step. A settlement carries it, and the store applies the settlement only if all three are
 * still those of the row.
 */
export interface Fence {
  readonly stepId: string;
  readonly claimToken: string;
  /** The version that the claim gave to the row. It rises with every change of the row. */
  readonly version: number;
}

/** A fence as a key of a `Map` or a `Set`. */
export function fenceKey({ stepId, claimToken, version }: Fence): string {
  return JSON.stringify([stepId, claimToken, version]);
}

/** An incarnation's hold on a step, with what the pod needs to run it. */
export interface Claim extends Fence {
  readonly type: string;
  /** JSON text, character by character as it was submitted. */
  readonly payload: string;
  readonly priority: number;
  readonly retryCount: number;
  readonly maxRetries: number;
  /** How many pods were evicted while they held the step. */
  readonly crashes: number;
  readonly runAt: number;
  readonly createdAt: number;
}

/** A claim as the reply that brings it shows it. */
export interface FreshClaim extends Claim {
  /** For how long the step had been due when the store made the reply, by the store's clock. 0 or more. */
  readonly dueForMs: number;
}

/** A claim whose incarnation will not settle it. */
export interface Orphan extends Claim {
  readonly holder: PodRef;
  /**
   * What happened to the holder: it was evicted, it left, it sleeps, or it never registered. Only `evicted` counts as a
   * crash of the step.
   */
  readonly reason: 'evicted' | 'left' | 'asleep' | 'unknown';
}

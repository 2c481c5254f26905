/** Claims, and the incarnations that hold them, as they cross the seam to a store. */

/** One life of a pod. */
export interface PodRef {
  readonly podId: string;
  readonly incarnation: string;
}

/** What names a claim; all three together are the fence that guards its settlement. */
export interface Fence {
  readonly stepId: string;
  readonly claimToken: string;
  readonly version: number;
}

/** Names a claim in a `Map` or a `Set`. */
export function fenceKey({ stepId, claimToken, version }: Fence): string {
  return JSON.stringify([stepId, claimToken, version]);
}

/** An incarnation's hold on a step. */
export interface Claim extends Fence {
  readonly type: string;
  readonly payload: string;
  readonly priority: number;
  readonly retryCount: number;
  readonly maxRetries: number;
  readonly crashes: number;
  readonly runAt: number;
  readonly createdAt: number;
}

/** A claim whose holder is no more; `reason` says what became of it. Only `evicted` is charged to `crashes`. */
export interface Orphan extends Claim {
  readonly holder: PodRef;
  readonly reason: 'evicted' | 'left' | 'asleep' | 'unknown';
}

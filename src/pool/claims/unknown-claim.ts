/** A claim that the store shows for this pod and that the pod does not know. It can only be given back. */
import type { Fence, PodRef, Settlement } from '../../store/contract.js';

export class UnknownClaim {
  readonly fence: Fence;
  readonly pod: PodRef;
  /** Pending again, at its place in the order, uncharged. */
  readonly settlement: Settlement;

  constructor({ stepId, claimToken, version }: Fence, pod: PodRef) {
    this.fence = { stepId, claimToken, version };
    this.pod = pod;
    this.settlement = {
      ...this.fence,
      status: 'pending',
      delayMs: null,
      charge: 0,
      crash: 0,
      result: null,
      error: null,
    };
  }
}

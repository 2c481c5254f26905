/**
 * Compares the claims that this pod holds with those that the store shows for it.
 *
 * Invariants:
 * - Only claims are judged that stood unchanged in this pod from before the heartbeat was sent until its reply.
 * - A claim is lost if it is absent from a heartbeat that was sent at least `staleReadMs` after the claim was taken: no late
 *   read explains that. A younger claim is unseen, and later heartbeats decide. So no held claim counts as lost, whatever the
 *   heartbeat interval, and a lost one is noticed by the first heartbeat after that time.
 * - A claim that the pod does not know is given back if no late read explains its presence: every heartbeat has shown it, from
 *   the first one until one that was sent at least `staleReadMs` after the first reply. Claims that a request in flight may
 *   bring wait for the next heartbeat.
 * - All ages are by the pod's monotonic clock.
 */
import { fenceKey, type Fence, type PodRef } from '../../store/contract.js';
import type { HeldClaim } from './held-claim.js';

/** The claims that were held when a heartbeat was sent. Opaque to the fleet, which carries it. */
export interface ClaimSnapshot {
  readonly takenAt: number;
  readonly pod: PodRef | undefined;
  /** Claims without an outcome. */
  readonly claims: readonly HeldClaim[];
  readonly openTokens: readonly string[];
}

/** The pod's own state when the reply arrives. */
export interface Known {
  readonly now: number;
  /** The fences of all claims whose receipts have not come. */
  readonly fences: readonly Fence[];
  readonly openTokens: readonly string[];
}

export interface Differences {
  readonly lost: ReadonlySet<HeldClaim>;
  /** Absent in the store's view, and too young for that to be certain. */
  readonly unseen: readonly HeldClaim[];
  readonly unknown: readonly Fence[];
}

export class ClaimComparison {
  readonly #staleReadMs: number;
  /** Unknown claims that each heartbeat has shown since, and when the first of these heartbeats was answered. */
  #shownSince: ReadonlyMap<string, number> = new Map();

  constructor(staleReadMs: number) {
    this.#staleReadMs = staleReadMs;
  }

  /** @param inStore the claims that the heartbeat's reply shows for this pod */
  compare(snapshot: ClaimSnapshot, inStore: readonly Fence[], known: Known): Differences {
    const shown = new Set(inStore.map(fenceKey));
    const absent = snapshot.claims.filter((held) => hasNoOutcome(held) && !shown.has(fenceKey(held.claim)));
    const isLost = ({ claimedAt }: HeldClaim): boolean => snapshot.takenAt - claimedAt >= this.#staleReadMs;
    return {
      lost: new Set(absent.filter(isLost)),
      unseen: absent.filter((held) => !isLost(held)),
      unknown: this.#unknown(snapshot, inStore, known),
    };
  }

  #unknown(snapshot: ClaimSnapshot, inStore: readonly Fence[], known: Known): readonly Fence[] {
    const ours = new Set(known.fences.map(fenceKey));
    const open = new Set([...snapshot.openTokens, ...known.openTokens]);
    const before = this.#shownSince;
    const unknown = inStore.filter((fence) => !ours.has(fenceKey(fence)) && !open.has(fence.claimToken));
    this.#shownSince = new Map(unknown.map((fence) => [fenceKey(fence), before.get(fenceKey(fence)) ?? known.now]));
    return unknown.filter((fence) => {
      const since = before.get(fenceKey(fence));
      return since !== undefined && snapshot.takenAt - since >= this.#staleReadMs;
    });
  }
}

function hasNoOutcome({ state }: HeldClaim): boolean {
  return state === 'unstarted' || state === 'running';
}

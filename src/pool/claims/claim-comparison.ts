/**
 * Compares what this pod holds with what the store says that it holds.
 *
 * Invariants:
 * - Only claims are judged that stood unchanged, as the pod knows them, from before the heartbeat was sent until its reply.
 * - A claim is lost when its absence is no late read: the heartbeat that does not show it was sent at least `staleReadMs`
 *   after the claim was taken. A younger one is unseen, and the next heartbeats decide. So no claim is lost that is held,
 *   whatever the heartbeat interval, and one that is lost is noticed by the first heartbeat after that time.
 * - A claim that the pod does not know is given back when its presence is no late read either: every heartbeat has shown it,
 *   from the first one on until one that was sent at least `staleReadMs` after the first was answered. What a request still
 *   under way may bring waits for the next heartbeat.
 * - All ages are by the pod's monotonic clock.
 */
import { fenceKey, type Fence, type PodRef } from '../../store/contract.js';
import type { HeldClaim } from './held-claim.js';

/** What was held when a heartbeat was sent. Opaque to who carries it. */
export interface HeldSnapshot {
  readonly takenAt: number;
  readonly pod: PodRef | undefined;
  readonly claims: readonly HeldClaim[];
  readonly openTokens: readonly string[];
}

/** What this pod knows when the reply is here. */
export interface Known {
  readonly now: number;
  /** All whose receipt has not come, whatever their state. */
  readonly claims: readonly HeldClaim[];
  readonly openTokens: readonly string[];
}

export interface Judgement {
  readonly lost: ReadonlySet<HeldClaim>;
  /** Held as far as the pod knows, and too young for the reply to show them for certain. */
  readonly unseen: readonly HeldClaim[];
  readonly unknown: readonly Fence[];
}

export class ClaimComparison {
  readonly #staleReadMs: number;
  /** Unknown claims that each heartbeat has shown since; and when the first of these heartbeats was answered. */
  #suspects: ReadonlyMap<string, number> = new Map();

  constructor(staleReadMs: number) {
    this.#staleReadMs = staleReadMs;
  }

  judge(snapshot: HeldSnapshot, held: readonly Fence[], known: Known): Judgement {
    const theirs = new Set(held.map(fenceKey));
    const absent = snapshot.claims.filter((held) => isHeld(held) && !theirs.has(fenceKey(held.claim)));
    const isLost = ({ claimedAt }: HeldClaim): boolean => snapshot.takenAt - claimedAt >= this.#staleReadMs;
    return {
      lost: new Set(absent.filter(isLost)),
      unseen: absent.filter((held) => !isLost(held)),
      unknown: this.#unknown(snapshot, held, known),
    };
  }

  #unknown(snapshot: HeldSnapshot, held: readonly Fence[], known: Known): readonly Fence[] {
    const ours = new Set(known.claims.map(({ claim }) => fenceKey(claim)));
    const open = new Set([...snapshot.openTokens, ...known.openTokens]);
    const before = this.#suspects;
    const strangers = held.filter((fence) => !ours.has(fenceKey(fence)) && !open.has(fence.claimToken));
    this.#suspects = new Map(strangers.map((fence) => [fenceKey(fence), before.get(fenceKey(fence)) ?? known.now]));
    return strangers.filter((fence) => {
      const since = before.get(fenceKey(fence));
      return since !== undefined && snapshot.takenAt - since >= this.#staleReadMs;
    });
  }
}

/** Whether the claim has no outcome yet. */
function isHeld({ state }: HeldClaim): boolean {
  return state === 'unstarted' || state === 'running';
}

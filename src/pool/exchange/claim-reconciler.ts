/**
 * Acts on what heartbeats say that this pod holds.
 *
 * Invariants:
 * - {@link ClaimComparison} judges; here its judgement is carried out. An answer to what another incarnation asked is dropped.
 * - A claim that is lost is aborted, and given back if it has not started. The store refuses what is no longer ours, so
 *   giving back touches no newer claim of the step.
 * - A claim that is unseen goes on, unless its step was cancelled after it was claimed. An older cancellation is a late read.
 */
import type { Runtime } from '../../runtime/runtime.js';
import type { Fence } from '../../store/contract.js';
import type { CancellationWatch } from './cancellation-watch.js';
import type { ExchangeChannel } from './exchange-channel.js';
import type { HeldClaim } from '../claims/held-claim.js';
import type { HeldClaims } from '../claims/held-claims.js';
import { ClaimComparison, type HeldSnapshot } from '../claims/claim-comparison.js';

export interface ClaimReconcilerParts {
  readonly runtime: Runtime;
  readonly store: { readonly staleReadMs: number };
  readonly heldClaims: HeldClaims;
  readonly channel: ExchangeChannel;
  readonly cancellationWatch: CancellationWatch;
}

export class ClaimReconciler {
  readonly #parts: ClaimReconcilerParts;
  readonly #comparison: ClaimComparison;

  constructor(parts: ClaimReconcilerParts) {
    this.#parts = parts;
    this.#comparison = new ClaimComparison(parts.store.staleReadMs);
  }

  /** To be taken right before a heartbeat is sent. */
  snapshot(): HeldSnapshot {
    const { heldClaims, channel } = this.#parts;
    const { openTokens } = channel;
    return { takenAt: this.#now(), pod: heldClaims.pod, claims: heldClaims.held(), openTokens };
  }

  /** Judges what the pod holds by the heartbeat's answer. */
  reconcile(snapshot: HeldSnapshot, held: readonly Fence[]): void {
    const { heldClaims, channel } = this.#parts;
    const { pod, outbox } = heldClaims;
    if (pod === undefined || snapshot.pod !== pod) return;
    const { openTokens } = channel;
    const known = { now: this.#now(), claims: [...heldClaims.held(), ...outbox.all()], openTokens };
    const { lost, unseen, unknown } = this.#comparison.judge(snapshot, held, known);
    if (lost.size > 0) void this.#drop(lost);
    if (unseen.length > 0) void this.#cancelSinceClaimed(unseen);
    for (const fence of unknown) heldClaims.giveBackUnknown(fence, pod, this.#now());
  }

  /** What the store no longer shows under this pod was cancelled, or is somebody else's. */
  async #drop(lost: ReadonlySet<HeldClaim>): Promise<void> {
    const { heldClaims, cancellationWatch } = this.#parts;
    const cancelled = await cancellationWatch.among([...lost].map(({ claim }) => claim.stepId));
    for (const { stepId, agoMs } of cancelled) heldClaims.cancel(stepId, agoMs);
    for (const held of lost) heldClaims.executor.abort(held, 'lost');
    heldClaims.giveBack((held) => lost.has(held), 'fenced');
  }

  async #cancelSinceClaimed(unseen: readonly HeldClaim[]): Promise<void> {
    const { heldClaims, cancellationWatch } = this.#parts;
    const askedAt = this.#now();
    const claimedAt = new Map(unseen.map((held) => [held.claim.stepId, held.claimedAt]));
    for (const { stepId, agoMs } of await cancellationWatch.among([...claimedAt.keys()])) {
      if (askedAt - agoMs >= (claimedAt.get(stepId) ?? Infinity)) heldClaims.cancel(stepId, agoMs);
    }
  }

  #now(): number {
    return this.#parts.runtime.monotonicMs();
  }
}

/**
 * Acts on the claims of this pod that a heartbeat's answer lists: {@link ClaimComparison} judges, and the judgement is
 * carried out here.
 *
 * Invariants:
 * - A reply to a heartbeat of another incarnation is dropped.
 * - A lost claim is aborted, or given back if it has not started. The store refuses claims that this pod no longer
 *   holds, so giving back changes no newer claim of the step.
 * - The handler of an unseen claim continues, unless its step was cancelled after the claim was taken. An older
 *   cancellation is a late read.
 */
import type { Log } from '../../log.js';
import type { Runtime } from '../../runtime/runtime.js';
import type { Fence } from '../../store/contract.js';
import { ClaimComparison, type ClaimSnapshot } from '../claims/claim-comparison.js';
import type { HeldClaim } from '../claims/held-claim.js';
import type { HeldClaims } from '../claims/held-claims.js';
import type { Executor } from '../execution/executor.js';
import type { CancellationWatch } from './cancellation-watch.js';
import type { ExchangeChannel } from './exchange-channel.js';

export interface HeartbeatReconcilerDependencies {
  readonly runtime: Runtime;
  readonly log: Log;
  readonly staleReadMs: number;
  readonly claims: HeldClaims;
  readonly executor: Executor;
  readonly channel: ExchangeChannel;
  readonly cancellations: CancellationWatch;
}

export class HeartbeatReconciler {
  readonly #deps: HeartbeatReconcilerDependencies;
  readonly #comparison: ClaimComparison;

  constructor(deps: HeartbeatReconcilerDependencies) {
    this.#deps = deps;
    this.#comparison = new ClaimComparison(deps.staleReadMs);
  }

  /** The claims that are held now. Taken right before a heartbeat is sent. */
  snapshot(): ClaimSnapshot {
    const { claims, channel } = this.#deps;
    const { openTokens } = channel;
    return { takenAt: this.#now(), pod: claims.pod, claims: claims.withoutOutcome(), openTokens };
  }

  /** Compares the snapshot with the claims that the heartbeat's reply shows. */
  reconcile(snapshot: ClaimSnapshot, inStore: readonly Fence[]): void {
    const { claims, channel, log } = this.#deps;
    const { pod, outbox } = claims;
    if (pod === undefined || snapshot.pod !== pod) return;
    const { openTokens } = channel;
    const fences = [...claims.withoutOutcome().map(({ claim }) => claim), ...outbox.fences()];
    const known = { now: this.#now(), fences, openTokens };
    const { lost, unseen, unknown } = this.#comparison.compare(snapshot, inStore, known);
    if (lost.size > 0) void this.#drop(lost);
    if (unseen.length > 0) void this.#cancelSinceClaimed(unseen);
    for (const fence of unknown) {
      log.warn({ stepId: fence.stepId }, 'store shows a claim that this pod does not know; giving it back');
      claims.giveBackUnknown(fence, pod);
    }
  }

  /** A step that the store no longer shows under this pod was cancelled, or another pod has it. */
  async #drop(lost: ReadonlySet<HeldClaim>): Promise<void> {
    const { claims, executor, cancellations } = this.#deps;
    const cancelled = await cancellations.among([...lost].map(({ claim }) => claim.stepId));
    for (const { stepId, agoMs } of cancelled) executor.cancel(stepId, agoMs, (held) => lost.has(held));
    for (const held of lost) executor.abort(held, 'lost');
    claims.giveBackUnstarted('fenced', (held) => lost.has(held));
  }

  async #cancelSinceClaimed(unseen: readonly HeldClaim[]): Promise<void> {
    const { executor, cancellations } = this.#deps;
    const askedAt = this.#now();
    const cancelled = await cancellations.among(unseen.map(({ claim }) => claim.stepId));
    for (const { stepId, agoMs } of cancelled)
      executor.cancel(stepId, agoMs, ({ claimedAt }) => claimedAt <= askedAt - agoMs);
  }

  #now(): number {
    return this.#deps.runtime.monotonicMs();
  }
}

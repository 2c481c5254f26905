/**
 * Acts on what heartbeats say that this pod holds.
 *
 * Invariants:
 * - {@link Reconciliation} judges; here its judgement is carried out. An answer to what another incarnation asked is dropped.
 * - A claim that is lost is aborted, and given back if it has not started. The store refuses what is no longer ours, so
 *   giving back touches no newer claim of the step.
 * - A claim that is unseen goes on, unless its step was cancelled after it was claimed. An older cancellation is a late read.
 */
import type { Runtime } from '../../runtime/runtime.js';
import type { Fence } from '../../store/contract.js';
import type { Cancellations } from './cancellation-watch.js';
import type { Exchanger } from './exchange-channel.js';
import type { Hold } from '../claims/held-claim.js';
import type { Holdings } from '../claims/held-claims.js';
import { Reconciliation, type HeldSnapshot } from '../claims/claim-comparison.js';

export interface ClaimCheckParts {
  readonly runtime: Runtime;
  readonly store: { readonly staleReadMs: number };
  readonly holdings: Holdings;
  readonly exchanger: Exchanger;
  readonly cancellations: Cancellations;
}

export class ClaimCheck {
  readonly #parts: ClaimCheckParts;
  readonly #reconciliation: Reconciliation;

  constructor(parts: ClaimCheckParts) {
    this.#parts = parts;
    this.#reconciliation = new Reconciliation(parts.store.staleReadMs);
  }

  /** To be taken right before a heartbeat is sent. */
  snapshot(): HeldSnapshot {
    const { holdings, exchanger } = this.#parts;
    const { openTokens } = exchanger;
    return { takenAt: this.#now(), pod: holdings.pod, holds: holdings.held(), openTokens };
  }

  /** Judges what the pod holds by the heartbeat's answer. */
  reconcile(snapshot: HeldSnapshot, held: readonly Fence[]): void {
    const { holdings, exchanger } = this.#parts;
    const { pod, outbox } = holdings;
    if (pod === undefined || snapshot.pod !== pod) return;
    const { openTokens } = exchanger;
    const known = { now: this.#now(), holds: [...holdings.held(), ...outbox.all()], openTokens };
    const { lost, unseen, unknown } = this.#reconciliation.judge(snapshot, held, known);
    if (lost.size > 0) void this.#drop(lost);
    if (unseen.length > 0) void this.#cancelSinceClaimed(unseen);
    for (const fence of unknown) holdings.giveBackUnknown(fence, pod, this.#now());
  }

  /** What the store no longer shows under this pod was cancelled, or is somebody else's. */
  async #drop(lost: ReadonlySet<Hold>): Promise<void> {
    const { holdings, cancellations } = this.#parts;
    const cancelled = await cancellations.among([...lost].map(({ claim }) => claim.stepId));
    for (const { stepId, agoMs } of cancelled) holdings.cancel(stepId, agoMs);
    for (const hold of lost) holdings.executor.abort(hold, 'lost');
    holdings.giveBack((hold) => lost.has(hold), 'fenced');
  }

  async #cancelSinceClaimed(unseen: readonly Hold[]): Promise<void> {
    const { holdings, cancellations } = this.#parts;
    const askedAt = this.#now();
    const claimedAt = new Map(unseen.map((hold) => [hold.claim.stepId, hold.claimedAt]));
    for (const { stepId, agoMs } of await cancellations.among([...claimedAt.keys()])) {
      if (askedAt - agoMs >= (claimedAt.get(stepId) ?? Infinity)) holdings.cancel(stepId, agoMs);
    }
  }

  #now(): number {
    return this.#parts.runtime.monotonicMs();
  }
}

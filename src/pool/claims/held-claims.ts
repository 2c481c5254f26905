/**
 * All claims that this pod holds: unstarted, running, or ended and without a receipt yet.
 *
 * Invariants:
 * - A claim goes one way: ready queue, slot, outbox. It comes once: what is read back may show a claim that is held already.
 * - A claim that has not started and cannot or may not start here is given back uncharged.
 * - A claim that belongs to an earlier incarnation and has not started is dropped: the store no longer counts it as held here.
 */
import type { Outcome, ReleaseReason } from '../../step/decide-transition.js';
import { fenceKey, type Fence, type PodRef } from '../../store/contract.js';
import type { HeldClaim } from './held-claim.js';
import { Outbox, type OutboxEntry } from './outbox.js';
import { ReadyQueue } from './ready-queue.js';
import { RunningClaims } from './running-claims.js';
import { UnknownClaim } from './unknown-claim.js';

export class HeldClaims {
  readonly ready = new ReadyQueue();
  readonly running = new RunningClaims();
  readonly outbox = new Outbox();
  readonly #onEnded: (entry: OutboxEntry) => void;
  #pod: PodRef | undefined;

  /** @param onEnded called after a claim was put into the outbox */
  constructor(onEnded: (entry: OutboxEntry) => void) {
    this.#onEnded = onEnded;
  }

  /** The incarnation that claims now. */
  get pod(): PodRef | undefined {
    return this.#pod;
  }

  /** Whether nothing is held and nothing runs, strays included. */
  get empty(): boolean {
    return this.running.busy === 0 && this.ready.size === 0 && this.outbox.empty;
  }

  /** Claims without an outcome: unstarted or running. */
  withoutOutcome(): HeldClaim[] {
    return [...this.ready.all(), ...this.running.withoutStrays()];
  }

  /** Those of these claims that are not held. A claim that comes a second time must not run a second time. */
  notHeld<T extends Fence>(claims: readonly T[]): readonly T[] {
    if (claims.length === 0 || this.empty) return claims;
    const held = [...this.withoutOutcome(), ...this.running.pending()].map(({ claim }) => claim);
    const keys = new Set([...held, ...this.outbox.fences()].map(fenceKey));
    return claims.filter((claim) => !keys.has(fenceKey(claim)));
  }

  /** Claims as this incarnation from now on. @returns the unstarted claims of the one before, which are dropped */
  takeOver(pod: PodRef): readonly HeldClaim[] {
    this.#pod = pod;
    return this.ready.take(() => true);
  }

  /** The claim has its outcome. */
  end(held: HeldClaim, outcome: Outcome): void {
    held.end(outcome);
    this.outbox.add(held);
    held.trace?.ended(outcome, held.durationMs, this.running.find(held.claim.stepId) === held);
    this.#onEnded(held);
  }

  /** Gives a claim back, uncharged. */
  giveBack(held: HeldClaim, reason: ReleaseReason, delayMs = 0): void {
    this.end(held, { kind: 'released', delayMs, reason });
  }

  /** Gives back the unstarted claims that `unwanted` selects. @returns how many */
  giveBackUnstarted(reason: ReleaseReason, unwanted: (held: HeldClaim) => boolean = () => true): number {
    const claims = this.ready.take(unwanted);
    for (const held of claims) this.giveBack(held, reason);
    return claims.length;
  }

  /** Gives back a claim of which only the fence is known. */
  giveBackUnknown(fence: Fence, pod: PodRef): void {
    const unknown = new UnknownClaim(fence, pod);
    this.outbox.add(unknown);
    this.#onEnded(unknown);
  }

  /** Ends the unstarted claims of a step that was cancelled. */
  cancelUnstarted(stepId: string, cancelledForMs: number, isMeant: (held: HeldClaim) => boolean): void {
    if (this.ready.size === 0) return;
    for (const held of this.ready.take((held) => held.claim.stepId === stepId && isMeant(held))) {
      held.cancelled(cancelledForMs);
      this.end(held, { kind: 'cancelled' });
    }
  }
}

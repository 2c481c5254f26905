/**
 * All that this pod holds: claims unstarted, claims that run, outcomes that await a receipt.
 *
 * Law: a claim goes one way: buffer, slot, outbox. What is held unstarted and cannot or may not start here is given back
 * uncharged. While halted nothing starts. Handlers that return at once chain in microtasks, so after a slice of work the
 * event loop gets its turn. A step that is suspected of killing pods runs alone: it starts when nothing else is held and
 * no receipt is awaited, and nothing is taken in beside it. That goes for the other pools of the process as well.
 */
import type { Events } from '../../events.js';
import type { Log } from '../../log.js';
import type { Settings } from '../../options.js';
import { exponentialMs } from '../../runtime/backoff.js';
import type { Runtime } from '../../runtime/runtime.js';
import { isAlone, isSuspect } from '../../step/crash-suspect.js';
import type { Outcome, ReleaseReason } from '../../step/transition.js';
import type { Claim, Fence, PodRef } from '../../store/contract.js';
import { ReadyQueue } from './ready-queue.js';
import type { ChildSubmitter } from '../execution/context.js';
import { Executor } from '../execution/executor.js';
import type { Handlers } from '../handlers/handlers.js';
import { eventOf, HeldClaim } from './held-claim.js';
import type { Isolation } from '../isolation/isolation.js';
import { Outbox } from './outbox.js';

/** After so much work in one turn, in ms, the event loop gets its chance. */
const SLICE_MS = 4;

/** For how long a step is given back that a stray bars: doubles each time. */
const FIRST_BAR_MS = 1_000;
const LONGEST_BAR_MS = 60_000;
/** For how long a step is given back that is not handled here. */
const UNHANDLED_MS = 5_000;

export interface HeldClaimsParts {
  readonly runtime: Runtime;
  readonly events: Events;
  readonly log: Log;
  readonly settings: Settings;
  /** Submits what handlers submit. */
  readonly submitter: ChildSubmitter;
  readonly handlers: Handlers;
  readonly isolation: Isolation;
  /** Whether anything may be started right now. */
  readonly mayProceed: () => boolean;
  /** There is an outcome to hand in, or a slot to fill. */
  readonly onWork: () => void;
}

export class HeldClaims {
  readonly ready = new ReadyQueue();
  readonly outbox = new Outbox();
  readonly executor: Executor;
  /** The incarnation that claims now. */
  pod: PodRef | undefined;
  /** Nothing starts. */
  halted = false;
  /** Whatever comes in is given back. */
  closed = false;
  readonly #parts: HeldClaimsParts;
  /** The suspect that has this pod for itself, until it has its outcome. */
  #isolated: HeldClaim | undefined;
  #starting = false;
  #resting = false;
  #sliceSince = 0;
  #askedAt = -Infinity;

  constructor(parts: HeldClaimsParts) {
    this.#parts = parts;
    this.executor = new Executor({
      ...parts,
      onEnd: (held) => this.#ended(held),
      onReturn: () => this.#returned(),
    });
  }

  /** Whether a suspect has this pod for itself. */
  get isolates(): boolean {
    return this.#isolated !== undefined;
  }

  /** Whether nothing is held, nothing runs, strays included, and no receipt is awaited. */
  get empty(): boolean {
    return this.executor.busy === 0 && this.ready.size === 0 && this.outbox.empty;
  }

  /** Claims without an outcome. */
  held(): HeldClaim[] {
    return [...this.ready.all(), ...this.executor.held()];
  }

  /** A turn of the event loop begins. */
  newSlice(now: number): void {
    this.#sliceSince = now;
  }

  /** Whether this turn's slice is used up. */
  sliceIsOver(now: number): boolean {
    return now - this.#sliceSince >= SLICE_MS;
  }

  takeIn(claims: readonly Claim[], pod: PodRef, now: number): void {
    const { events, handlers } = this.#parts;
    const suspect = this.#suspectAmong(claims);
    const isolates = suspect !== undefined && isAlone(suspect) && this.#nothingElseRuns;
    if (suspect !== undefined && !isolates) this.#makeRoom(suspect, now);
    let kept = !this.isolates && !this.#parts.isolation.blocked(now);
    for (const claim of claims) {
      const handler = handlers.get(claim.type) ?? handlers.none;
      const held = new HeldClaim(claim, pod, handler, now);
      if (events.has('step:claimed')) events.emitLazily('step:claimed', () => eventOf(held));
      if (claim === suspect && !isolates) kept = false; // what ranks after it waits for it, too
      if (this.closed) this.#giveBack(held, 'stopping');
      else if (handler === handlers.none) this.#giveBack(held, 'unstarted', UNHANDLED_MS);
      else if (!kept || (isolates && claim !== suspect)) this.#giveBack(held, 'unstarted');
      else {
        this.ready.add(held);
        if (isolates) this.#isolate(held, now);
      }
    }
  }

  get #nothingElseRuns(): boolean {
    return this.executor.busy === 0 && this.ready.size === 0 && this.#parts.isolation.processIsQuiet;
  }

  #isolate(held: HeldClaim, now: number): void {
    this.#isolated = held;
    this.#parts.isolation.begun(now);
  }

  #suspectAmong(claims: readonly Claim[]): Claim | undefined {
    if (this.closed) return undefined;
    for (const claim of claims)
      if (isSuspect(claim) && this.#parts.handlers.get(claim.type) !== undefined) return claim;
    return undefined;
  }

  /** A suspect came among other claims: it waits in the store until a pod is empty. */
  #makeRoom({ stepId, type, crashes }: Claim, now: number): void {
    const { isolation, log } = this.#parts;
    if (isolation.found(now)) {
      log.info({ stepId, type, crashes }, 'a step that crashed pods has to run alone; claiming nothing until it can');
    }
    this.giveBack(() => true, 'unstarted');
  }

  /** Fills the free slots. */
  startNext(): void {
    if (this.#starting || this.#resting || this.halted || this.ready.size === 0 || this.executor.free <= 0) return;
    if (this.isolates && !this.outbox.empty) return; // what was claimed beside it must be seen to have gone back
    const now = this.#parts.runtime.monotonicMs();
    if (!this.#mayStart(now)) return;
    this.#starting = true; // an outcome that comes at once leads back here
    try {
      this.#fillSlots(now);
    } finally {
      this.#starting = false;
    }
  }

  #fillSlots(startedAt: number): void {
    let now = startedAt;
    while (this.executor.free > 0 && !this.halted) {
      const held = this.ready.next();
      if (held === undefined) return;
      const blockedBy = this.executor.find(held.claim.stepId);
      if (blockedBy === undefined) now = this.executor.run(held, now);
      else this.#bar(held, blockedBy);
      if (this.sliceIsOver(now)) return this.#rest();
    }
  }

  /** Gives back what is held unstarted and `unwanted`. @returns how many those were */
  giveBack(unwanted: (held: HeldClaim) => boolean, reason: ReleaseReason): number {
    const claims = this.ready.take(unwanted);
    for (const held of claims) this.#giveBack(held, reason);
    return claims.length;
  }

  /** Gives back a claim that nothing is known of here but its fence. */
  giveBackUnknown({ stepId, claimToken, version }: Fence, pod: PodRef, now: number): void {
    const rest = { type: '', payload: '{}', priority: 0, retryCount: 0, maxRetries: 0, crashes: 0, runAt: 0 };
    const claim = { stepId, claimToken, version, ...rest, createdAt: 0 };
    const held = new HeldClaim(claim, pod, this.#parts.handlers.none, now);
    held.untold = true;
    this.#parts.log.warn({ stepId }, 'a claim that this pod did not know of is given back');
    this.#giveBack(held, 'unknown');
  }

  /** A step was cancelled so many ms ago. */
  cancel(stepId: string, agoMs: number): void {
    const running = this.executor.find(stepId);
    if (running !== undefined) {
      running.cancelledForMs ??= agoMs;
      this.executor.abort(running, 'cancelled');
    }
    if (this.ready.size === 0) return;
    for (const held of this.ready.take(({ claim }) => claim.stepId === stepId)) {
      held.cancelledForMs = agoMs;
      this.#end(held, { kind: 'cancelled' });
    }
  }

  /** The incarnation before is no more: what it runs is aborted, what has not started is forgotten. */
  ownBy(pod: PodRef): void {
    this.pod = pod;
    this.executor.abortAll('fenced');
    for (const held of this.ready.take(() => true)) this.#free(held);
  }

  /** Asks the guard; but once a millisecond is enough. */
  #mayStart(now: number): boolean {
    if (this.#parts.isolation.blocked(now)) return false;
    if (now - this.#askedAt < 1) return true;
    if (!this.#parts.mayProceed()) return false;
    this.#askedAt = now;
    return true;
  }

  /** Lets the event loop turn, then goes on. */
  #rest(): void {
    this.#resting = true;
    void this.#parts.runtime.yield().then(() => {
      this.#resting = false;
      this.newSlice(this.#parts.runtime.monotonicMs());
      this.startNext();
    });
  }

  #bar(held: HeldClaim, by: HeldClaim): void {
    this.#giveBack(held, 'blocked', exponentialMs(FIRST_BAR_MS, LONGEST_BAR_MS, by.blockedClaims++));
  }

  #giveBack(held: HeldClaim, reason: ReleaseReason, delayMs = 0): void {
    this.#end(held, { kind: 'released', delayMs, reason });
  }

  #end(held: HeldClaim, outcome: Outcome): void {
    held.state = 'ended';
    held.outcome = outcome;
    this.#ended(held);
  }

  #ended(held: HeldClaim): void {
    this.outbox.add(held);
    this.#free(held);
    this.#parts.onWork();
  }

  #returned(): void {
    this.startNext();
    this.#parts.onWork();
  }

  /** If it had the pod for itself, others may be claimed again: with the exchange that settles it at the earliest. */
  #free(held: HeldClaim): void {
    if (held !== this.#isolated) return;
    this.#isolated = undefined;
    this.#parts.isolation.over(this.#parts.runtime.monotonicMs());
  }
}

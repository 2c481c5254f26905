/**
 * A claim as this pod holds it: from the reply that brought it until its receipt, or until its stray returns.
 *
 * Invariants:
 * - There is one object for each claim. Expensive parts are made on first use: the decoded payload, and the
 *   `AbortController` when a handler reads its signal.
 * - A payload that a reader could change is decoded again for each reader.
 * - The first abort decides. Later aborts change nothing.
 * - The listeners of its signal run in the handler's async context, whatever caused the abort.
 * - It remembers a bounded number of the steps that its handler has submitted.
 * - Only its own methods change it.
 */
import { FleetQError } from '../../errors.js';
import type { BriefPayload, StepEvent, StepStarted } from '../../events.js';
import type { LogFields } from '../../log.js';
import { QueueContext } from '../../runtime/async-context.js';
import { isImmutable, payloadOf, type Payload } from '../../step/payload.js';
import type { Outcome } from '../../step/decide-transition.js';
import type { FreshClaim, PodRef, Settlement } from '../../store/contract.js';
import type { TracedRun } from '../../tracing/run-trace.js';
import type { TypeHandler } from '../handlers/type-handler.js';

/** Why a claim is aborted. `lost`: the store says that the step is no longer held by this pod. */
export type AbortCause = 'cancelled' | 'timedOut' | 'stopping' | 'fenced' | 'lost';

/** A claim that has its outcome and can be settled. */
export type EndedHeldClaim = HeldClaim & { readonly outcome: Outcome };

/** How many of the steps that a handler has submitted are remembered: the latest. */
const CHILDREN_KEPT = 10_000;

export class HeldClaim {
  readonly claim: FreshClaim;
  /** The incarnation that took the claim. Only this incarnation can settle it. */
  readonly pod: PodRef;
  readonly handler: TypeHandler;
  readonly claimedAt: number;
  #state: 'unstarted' | 'running' | 'stray' | 'ended' = 'unstarted';
  #arrival = 0;
  #outcome: Outcome | undefined = undefined;
  #payload: Payload | undefined = undefined;
  #startedAt = 0;
  #durationMs = 0;
  #dueAt = Infinity;
  #aborted: AbortCause | undefined = undefined;
  #cancelledForMs: number | undefined = undefined;
  #releaseDelayMs: number | undefined = undefined;
  #settlement: Settlement | undefined = undefined;
  /** How many later claims of the same step were given back because this one still runs. */
  #blockedClaims = 0;
  #controller: AbortController | undefined = undefined;
  /** The async context in which the handler first read its signal: its own, or one that it has entered. */
  #listening: QueueContext | undefined = undefined;
  /** The ids of steps that the handler has submitted by `ctx.submit`, the oldest first. */
  #children: Set<string> | undefined = undefined;
  #trace: TracedRun | undefined = undefined;

  constructor(claim: FreshClaim, pod: PodRef, handler: TypeHandler, claimedAt: number) {
    this.claim = claim;
    this.pod = pod;
    this.handler = handler;
    this.claimedAt = claimedAt;
  }

  /** `stray`: its claim has been settled, and its handler still runs. */
  get state(): 'unstarted' | 'running' | 'stray' | 'ended' {
    return this.#state;
  }

  /** When it came, among claims of equal rank in the ready queue. */
  get arrival(): number {
    return this.#arrival;
  }

  get outcome(): Outcome | undefined {
    return this.#outcome;
  }

  /** The decoded payload, if nobody can change it. */
  get payload(): Payload | undefined {
    return this.#payload;
  }

  get startedAt(): number {
    return this.#startedAt;
  }

  /** For how long its step had been due when its handler began: by the store's clock until the claim, then by this pod's. */
  get waitMs(): number {
    return this.claim.dueForMs + this.#startedAt - this.claimedAt;
  }

  get durationMs(): number {
    return this.#durationMs;
  }

  /** Before an abort: when the time-out is reached. After it: when the grace is over. */
  get dueAt(): number {
    return this.#dueAt;
  }

  get aborted(): AbortCause | undefined {
    return this.#aborted;
  }

  /** How long ago its step was cancelled when this pod learned of it, in ms. */
  get cancelledForMs(): number | undefined {
    return this.#cancelledForMs;
  }

  /** The handler called `release`: the step is due again after this time, in ms. */
  get releaseDelayMs(): number | undefined {
    return this.#releaseDelayMs;
  }

  /** Decided once, because a settlement that is sent again must be the same. */
  get settlement(): Settlement | undefined {
    return this.#settlement;
  }

  /** The trace of its run, if that has subscribers. */
  get trace(): TracedRun | undefined {
    return this.#trace;
  }

  /** Its place among claims of equal rank in the ready queue. */
  queued(arrival: number): void {
    this.#arrival = arrival;
  }

  /** Its handler is about to be called. */
  begin(now: number): void {
    this.#state = 'running';
    this.#startedAt = now;
  }

  /** Its run is traced. */
  traceWith(run: TracedRun): void {
    this.#trace = run;
  }

  /** Its time-out, or its grace after an abort, is over at `dueAt`. */
  expireAt(dueAt: number): void {
    this.#dueAt = dueAt;
  }

  /** Its handler has returned, or is given up. */
  ranUntil(now: number): void {
    this.#durationMs = now - this.#startedAt;
  }

  /** It has ended without its handler, which still runs. */
  becomeStray(): void {
    this.#state = 'stray';
  }

  /** The handler of the stray has returned. */
  strayReturned(): void {
    this.#state = 'ended';
  }

  /** Its step was cancelled `agoMs` ago. The first news counts. */
  cancelled(agoMs: number): void {
    this.#cancelledForMs ??= agoMs;
  }

  /** Its handler has released it. The first call counts. */
  release(delayMs: number): void {
    this.#releaseDelayMs ??= delayMs;
  }

  /** Keeps the settlement as it is sent first. */
  settleWith(settlement: Settlement): Settlement {
    return (this.#settlement = settlement);
  }

  /** A later claim of the same step is given back, because this one still runs. @returns how many were before */
  blockLater(): number {
    return this.#blockedClaims++;
  }

  /** The payload's values, for the caller alone. @throws SyntaxError if the text is not JSON */
  readPayload(): Payload {
    if (this.#payload !== undefined) return this.#payload;
    const payload = payloadOf(JSON.parse(this.claim.payload));
    if (isImmutable(payload)) this.#payload = payload;
    return payload;
  }

  /** The handler has submitted this step by `ctx.submit`. */
  addChild(stepId: string): void {
    this.#children ??= new Set();
    this.#children.add(stepId);
    if (this.#children.size <= CHILDREN_KEPT) return;
    for (const oldest of this.#children) {
      this.#children.delete(oldest);
      break;
    }
  }

  hasChild(stepId: string): boolean {
    return this.#children?.has(stepId) === true;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      this.#listening = new QueueContext();
      if (this.#aborted !== undefined) this.#controller.abort(this.abortError());
    }
    return this.#controller.signal;
  }

  /** The reason of the signal, if the claim was aborted and the handler has read its signal. */
  get abortReason(): unknown {
    return this.#controller?.signal.reason as unknown;
  }

  /** Aborts the signal. Its listeners run before this returns. */
  abort(cause: AbortCause): void {
    if (this.#aborted !== undefined) return;
    this.#aborted = cause;
    const controller = this.#controller;
    this.#listening?.run(() => controller?.abort(this.abortError()));
  }

  end(outcome: Outcome): asserts this is EndedHeldClaim {
    this.#state = 'ended';
    this.#outcome = outcome;
  }

  /** The reason of the signal. */
  abortError(): FleetQError {
    const step = `step ${this.claim.stepId}`;
    switch (this.#aborted) {
      case 'cancelled':
        return new FleetQError('STEP_CANCELLED', `${step} was cancelled`);
      case 'timedOut':
        return new FleetQError('STEP_TIMED_OUT', `${step} took longer than ${this.handler.timeoutMs} ms`);
      case 'stopping':
        return new FleetQError('STOPPED', `${step} was aborted: the queue is being stopped`);
      default:
        return new FleetQError('CLAIM_ABORTED', `${step} was aborted: this pod may no longer hold it`);
    }
  }
}

/** The fields of a log line about this claim. */
export function fieldsOf({ claim }: HeldClaim): LogFields {
  return { stepId: claim.stepId, type: claim.type, attempt: claim.retryCount + 1 };
}

/** The fields that every event of a claim has. If the payload is not JSON, `args` is undefined. */
export function eventOf(held: HeldClaim): StepEvent<string, unknown> {
  const { args, metadata } = readable(held);
  return { ...briefOf(held), args, metadata };
}

/** The same for a listener that needs no copies. */
export function briefOf({ claim, pod }: HeldClaim): BriefPayload<'step:claimed'> {
  return { type: claim.type, stepId: claim.stepId, attempt: claim.retryCount + 1, podId: pod.podId };
}

/** The payload of `step:started`. */
export function startedOf(held: HeldClaim): StepStarted<string, unknown> {
  return { ...eventOf(held), waitMs: held.waitMs };
}

/** The same for a listener that needs no copies. */
export function briefStartOf(held: HeldClaim): BriefPayload<'step:started'> {
  return { ...briefOf(held), waitMs: held.waitMs };
}

function readable(held: HeldClaim): Payload {
  try {
    return held.readPayload();
  } catch {
    return payloadOf(undefined);
  }
}

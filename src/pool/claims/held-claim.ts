/**
 * A claim as this pod holds it: from the reply that brought it until its receipt, or until its stray returns.
 *
 * Law: one object a claim, and what costs much is made only when it is asked for: the decoded payload for each who asks, the
 * `AbortController` when a handler reads its signal. The first abort stands; later ones change nothing.
 */
import { FleetQError } from '../../errors.js';
import type { StepEvent } from '../../events.js';
import { runInContextCopy } from '../../runtime/async-context.js';
import { isImmutable, payloadOf, type Payload } from '../../step/payload.js';
import type { Outcome } from '../../step/transition.js';
import type { Claim, PodRef, Settlement } from '../../store/contract.js';
import type { EndedClaim } from '../../settlement/ended-claim.js';
import type { TypeHandler } from '../handlers/handlers.js';

/** Why a claim is aborted. `lost`: the store says that it is no longer ours. */
export type AbortCause = 'cancelled' | 'timedOut' | 'stopping' | 'fenced' | 'lost';

/** What stands in `outcome` until there is one. */
const UNDECIDED: Outcome = Object.freeze({ kind: 'released', delayMs: 0, reason: 'unknown' });

export class HeldClaim implements EndedClaim {
  readonly claim: Claim;
  /** The incarnation that claimed it; only under this one is it settled. */
  readonly pod: PodRef;
  readonly handler: TypeHandler;
  readonly claimedAt: number;
  /** `stray`: its claim has been settled, and its handler goes on. */
  state: 'unstarted' | 'running' | 'stray' | 'ended' = 'unstarted';
  /** Its place among equals in the buffer. */
  turn = 0;
  outcome: Outcome = UNDECIDED;
  /** The decoded payload, where it cannot be changed. What can is decoded anew for everybody who asks. */
  payload: Payload | undefined = undefined;
  startedAt = 0;
  durationMs = 0;
  /** Until it is aborted: when its time is up. From then on: when its grace is. */
  dueAt = Infinity;
  aborted: AbortCause | undefined = undefined;
  /** For how long its step had been cancelled when this pod learned of it, in ms. */
  cancelledForMs: number | undefined = undefined;
  /** The handler gave it back, to be due again after so many ms. */
  releasedFor: number | undefined = undefined;
  /** Decided once: what is sent again must be the same. */
  settlement: Settlement | undefined = undefined;
  /** How many claims of its step have been turned away because this one still runs. */
  blockedClaims = 0;
  /** Given back for one that this pod had lost track of: nothing is known that an event could tell. */
  untold = false;
  #controller: AbortController | undefined = undefined;

  constructor(claim: Claim, pod: PodRef, handler: TypeHandler, claimedAt: number) {
    this.claim = claim;
    this.pod = pod;
    this.handler = handler;
    this.claimedAt = claimedAt;
  }

  /** The payload's values, for the caller alone. @throws SyntaxError where the text is no JSON */
  readPayload(): Payload {
    if (this.payload !== undefined) return this.payload;
    const payload = payloadOf(JSON.parse(this.claim.payload));
    if (isImmutable(payload)) this.payload = payload;
    return payload;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.aborted !== undefined) this.#controller.abort(this.abortError());
    }
    return this.#controller.signal;
  }

  /** The reason of the signal, once it was aborted and somebody has read it. */
  get abortReason(): unknown {
    return this.#controller?.signal.reason as unknown;
  }

  /** Tells the handler. Its listeners run at once. */
  abort(cause: AbortCause): void {
    if (this.aborted !== undefined) return;
    this.aborted = cause;
    const controller = this.#controller;
    if (controller !== undefined) runInContextCopy(() => controller.abort(this.abortError()));
  }

  /** The reason of the signal. */
  abortError(): FleetQError {
    const step = `step ${this.claim.stepId}`;
    switch (this.aborted) {
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

/** What the events of a claim carry. A payload that is no JSON reads as having no args. */
export function eventOf(held: HeldClaim): StepEvent<string, unknown> {
  const { claim, pod } = held;
  const { args, metadata } = readable(held);
  return { type: claim.type, stepId: claim.stepId, args, metadata, attempt: claim.retryCount + 1, podId: pod.podId };
}

function readable(held: HeldClaim): Payload {
  try {
    return held.readPayload();
  } catch {
    return payloadOf(undefined);
  }
}

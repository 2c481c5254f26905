/**
 * Emits the events and writes the log lines of claims whose receipt has come.
 *
 * Invariants:
 * - Nothing is announced before the store's receipt.
 * - Payloads and steps are built only if somebody listens, and anew for each listener. The fields of a log line are built only
 *   if the line is written.
 * - Waiters of this process hear of each step that has ended, and of no other step.
 */
import { EVENT_LINES, logEvent, type AnySteps, type EventLine, type EventPayloads, type Events } from '../events.js';
import { errorField, type Log, type LogFields } from '../log.js';
import type { ReleaseReason } from '../step/decide-transition.js';
import type { SerializedError } from '../step/serialized-error.js';
import { decodePayload, parseJson, type Payload } from '../step/payload.js';
import type { CompletedStep, FailedStep, Step } from '../step/step.js';
import type { Receipt, Settlement } from '../store/contract.js';
import type { EndedClaim } from './ended-claim.js';

export interface AnnouncerDependencies {
  readonly events: Events;
  readonly log: Log;
  /** This pod; events name it unless the claim was another pod's. */
  readonly podId: string;
  readonly wallMs: () => number;
  /** Whether `debug` lines may hold args and results. Default false. */
  readonly logPayloads?: boolean;
}

export class Announcer {
  readonly #deps: AnnouncerDependencies;

  constructor(deps: AnnouncerDependencies) {
    this.#deps = deps;
  }

  /** @param settlement as it was finally sent */
  announce(ended: EndedClaim, settlement: Settlement, receipt: Receipt): void {
    if (receipt === 'lost') return this.#lost(ended, settlement);
    if (receipt === 'cancelled') this.#cancelled(ended);
    else this.#settled(ended, settlement);
    if (receipt === 'cancelled' || settlement.status !== 'pending') this.#deps.events.ended(ended.claim.stepId);
  }

  #settled(ended: EndedClaim, settlement: Settlement): void {
    if (ended.outcome.kind === 'timedOut') this.#timedOut(ended, ended.outcome.timeoutMs);
    switch (settlement.status) {
      case 'completed':
        return this.#completed(ended, settlement);
      case 'failed':
        return this.#failed(ended, settlement);
      case 'cancelled':
        return this.#cancelled(ended);
      case 'pending':
        return settlement.charge === 1 ? this.#retrying(ended, settlement) : this.#released(ended, settlement);
    }
  }

  /** What every event of a claim has, without what is copied for each listener. */
  #brief({ claim, podId = this.#deps.podId }: EndedClaim) {
    return { type: claim.type, stepId: claim.stepId, attempt: claim.retryCount + 1, podId };
  }

  #base(ended: EndedClaim, { args, metadata } = payloadFor(ended)) {
    return { ...this.#brief(ended), args, metadata };
  }

  /** What makes the payloads of an event, and the brief ones. @param own makes the fields that this event alone has */
  #makers<O extends object>(ended: EndedClaim, own: () => O) {
    return [() => ({ ...this.#base(ended), ...own() }), () => ({ ...this.#brief(ended), ...own() })] as const;
  }

  /** The step after the settlement. Written out, because this is on the hot path if anybody listens. */
  #step({ claim, podId }: EndedClaim, settlement: Settlement, payload: Payload): Step {
    const retryCount = claim.retryCount + settlement.charge;
    return {
      stepId: claim.stepId,
      type: claim.type,
      args: payload.args,
      metadata: payload.metadata,
      status: settlement.status,
      priority: claim.priority,
      retryCount,
      attempt: retryCount + 1,
      maxRetries: claim.maxRetries,
      crashes: claim.crashes + settlement.crash,
      runAt: claim.runAt,
      createdAt: claim.createdAt,
      updatedAt: this.#deps.wallMs(),
      claimedBy: podId ?? this.#deps.podId,
      result: parseJson(settlement.result),
      error: parseJson(settlement.error) as SerializedError | undefined,
      version: claim.version + 1,
    } as Step;
  }

  #completed(ended: EndedClaim, settlement: Settlement): void {
    const { events, log } = this.#deps;
    if (log.verbose) this.#log(EVENT_LINES.stepCompleted, ended, this.#payloads(ended));
    if (!events.has('step:completed')) return;
    const full = (): EventPayloads<AnySteps>['step:completed'] => {
      const step = this.#step(ended, settlement, payloadFor(ended)) as CompletedStep;
      return {
        type: step.type,
        stepId: step.stepId,
        args: step.args,
        metadata: step.metadata,
        attempt: step.attempt,
        podId: ended.podId ?? this.#deps.podId,
        result: step.result,
        durationMs: ended.durationMs,
        step,
      };
    };
    events.emitLazily('step:completed', full, () => ({ ...this.#brief(ended), durationMs: ended.durationMs }));
  }

  #log(line: EventLine, ended: EndedClaim, fields: LogFields = {}): void {
    const { claim, durationMs, podId } = ended;
    const { stepId, type, retryCount } = claim;
    const holder = podId === undefined || podId === this.#deps.podId ? {} : { peerId: podId };
    logEvent(this.#deps.log, line, { stepId, type, attempt: retryCount + 1, durationMs, ...holder, ...fields });
  }

  /** The args and the result, if the host asked for payloads. */
  #payloads(ended: EndedClaim): LogFields {
    if (this.#deps.logPayloads !== true) return {};
    const { outcome } = ended;
    return { args: payloadFor(ended).args, ...(outcome.kind === 'succeeded' ? { result: outcome.result } : {}) };
  }

  #failed(ended: EndedClaim, settlement: Settlement): void {
    const { events, log } = this.#deps;
    if (log.writes('error')) {
      const error = recordedError(settlement);
      this.#log(EVENT_LINES.stepFailed, ended, { error: errorField(error, error.stack) });
    }
    if (!events.has('step:failed')) return;
    const own = () => ({ error: recordedError(settlement), durationMs: ended.durationMs });
    events.emitLazily(
      'step:failed',
      () => {
        const payload = payloadFor(ended);
        const step = this.#step(ended, settlement, payload) as FailedStep;
        return { ...this.#base(ended, payload), ...own(), step };
      },
      () => ({ ...this.#brief(ended), ...own() }),
    );
  }

  #retrying(ended: EndedClaim, settlement: Settlement): void {
    const { events, log } = this.#deps;
    const delayMs = settlement.delayMs ?? 0;
    if (log.writes('info'))
      this.#log(EVENT_LINES.stepRetrying, ended, { error: errorField(recordedError(settlement)), delayMs });
    if (!events.has('step:retrying')) return;
    const { durationMs } = ended;
    const own = () => ({ error: recordedError(settlement), delayMs, durationMs });
    events.emitLazily('step:retrying', ...this.#makers(ended, own));
  }

  #released(ended: EndedClaim, settlement: Settlement): void {
    const { events, log } = this.#deps;
    const { outcome } = ended;
    const [reason, error] = outcome.kind === 'released' ? [outcome.reason, outcome.error] : ['orphaned' as const];
    const delayMs = settlement.delayMs ?? 0;
    const line = releaseLine(reason, error);
    if (log.writes(line.level))
      this.#log(line, ended, { reason, delayMs, ...(error === undefined ? {} : { error: errorField(error) }) });
    if (!events.has('step:released')) return;
    events.emitLazily('step:released', ...this.#makers(ended, () => ({ reason, delayMs, error })));
  }

  #timedOut(ended: EndedClaim, timeoutMs: number): void {
    const { events, log } = this.#deps;
    if (log.verbose) this.#log(EVENT_LINES.stepTimedOut, ended, { timeoutMs });
    if (!events.has('step:timedOut')) return;
    events.emitLazily('step:timedOut', ...this.#makers(ended, () => ({ timeoutMs })));
  }

  #cancelled(ended: EndedClaim): void {
    const { stepId, type } = ended.claim;
    const latencyMs = ended.cancelledForMs ?? null;
    if (this.#deps.log.verbose) this.#log(EVENT_LINES.claimCancelled, ended, { latencyMs });
    this.#deps.events.emit('step:cancelled', { stepId, type, by: 'holder', latencyMs });
  }

  #lost(ended: EndedClaim, settlement: Settlement): void {
    const { events } = this.#deps;
    this.#log(EVENT_LINES.stepLost, ended, { status: settlement.status });
    if (!events.has('step:lost')) return;
    events.emitLazily('step:lost', ...this.#makers(ended, () => ({ refused: settlement.status })));
  }
}

function releaseLine(reason: ReleaseReason | 'orphaned', error: SerializedError | undefined): EventLine {
  if (error !== undefined) return EVENT_LINES.releasedWithError;
  return reason === 'orphaned' ? EVENT_LINES.orphanRequeued : EVENT_LINES.stepReleased;
}

/** The payload for one listener: decoded anew, unless it cannot be changed. */
function payloadFor({ claim, payload }: EndedClaim): Payload {
  return payload ?? decodePayload(claim.payload);
}

function recordedError(settlement: Settlement): SerializedError {
  return (parseJson(settlement.error) as SerializedError | undefined) ?? { name: 'Error', message: 'unknown' };
}

/**
 * From a claim's outcome to its settlement, and from the receipt to the event.
 *
 * Law: the pool and recovery settle here and nowhere else. Nothing is told before its receipt. A batch that the store
 * refuses for good is bisected, and only what it cannot hold fails (`RESULT_UNSTORABLE`); where it refuses that too, the
 * claim counts as lost: a pod never wedges on it.
 */
import { StoreError } from '../errors.js';
import type { Events } from '../events.js';
import type { Log } from '../log.js';
import { plainError, type SerializedError } from '../step/failure.js';
import { decodePayload, parseJson, type Payload } from '../step/payload.js';
import type { Step } from '../step/step.js';
import { decide, type Outcome, type Rules } from '../step/transition.js';
import type { Claim, Receipt, Settlement } from '../store/contract.js';

/** A claim that has come to its end. */
export interface EndedClaim {
  readonly claim: Claim;
  readonly outcome: Outcome;
  /** The claim's payload, where it has been decoded and cannot be changed. */
  readonly payload?: Payload | undefined;
  /** For how long the handler ran, in ms. */
  readonly durationMs: number;
  /** For how long the step had been cancelled when its holder learned of it, in ms; `undefined`: only the receipt told. */
  readonly cancelledForMs?: number | undefined;
  /** The pod that held it, where that is another one: recovery settles for the dead. */
  readonly podId?: string;
}

export interface SettlerParts {
  readonly events: Events;
  readonly log: Log;
  readonly podId: string;
  readonly random: () => number;
  readonly wallMs: () => number;
  /** Whether `debug` lines may hold args and results. Default false. */
  readonly logPayloads?: boolean;
  /** The rules for steps of this type, on this pod. */
  readonly rulesFor: (type: string) => Rules;
}

/** What a batch came to: the settlements as they were sent in the end, and their receipts. */
export interface Settled {
  readonly settlements: readonly Settlement[];
  readonly receipts: readonly Receipt[];
}

export class Settler {
  readonly #parts: SettlerParts;

  constructor(parts: SettlerParts) {
    this.#parts = parts;
  }

  /** What a claim's outcome asks of the store. */
  settlement(claim: Claim, outcome: Outcome): Settlement {
    const { stepId, claimToken, version } = claim;
    const next = decide(claim, outcome, this.#parts.rulesFor(claim.type), this.#parts.random);
    return {
      stepId,
      claimToken,
      version,
      status: next.status,
      delayMs: next.delayMs,
      charge: next.charge,
      crash: next.crash,
      result: next.result,
      error: next.error,
    };
  }

  /**
   * Sends settlements and answers their receipts; where the store refuses the batch for good, in halves. Whatever is
   * refused alone is sent once more as a failure that says so.
   *
   * @throws what `send` throws, unless it is a refusal
   */
  async send(
    settlements: readonly Settlement[],
    send: (batch: readonly Settlement[]) => Promise<readonly Receipt[]>,
  ): Promise<Settled> {
    try {
      return { settlements, receipts: await send(settlements) };
    } catch (error) {
      if (!isRefusal(error) || settlements.length === 0) throw error;
      const [only] = settlements;
      if (settlements.length === 1 && only !== undefined) return this.#sendAsFailure(only, error, send);
      const middle = settlements.length >> 1;
      const first = await this.send(settlements.slice(0, middle), send);
      const second = await this.send(settlements.slice(middle), send);
      return {
        settlements: [...first.settlements, ...second.settlements],
        receipts: [...first.receipts, ...second.receipts],
      };
    }
  }

  async #sendAsFailure(
    refused: Settlement,
    error: StoreError,
    send: (batch: readonly Settlement[]) => Promise<readonly Receipt[]>,
  ): Promise<Settled> {
    this.#parts.log.error(
      { stepId: refused.stepId, error: error.message },
      'the store cannot hold what became of a step',
    );
    const failure: Settlement = {
      ...refused,
      status: 'failed',
      delayMs: null,
      charge: 0,
      result: null,
      error: JSON.stringify(plainError('RESULT_UNSTORABLE', `the store refused the outcome: ${error.code}`)),
    };
    try {
      return { settlements: [failure], receipts: await send([failure]) };
    } catch (again) {
      if (!isRefusal(again)) throw again;
      this.#parts.log.error(
        { stepId: refused.stepId, error: again.message },
        'nor that it cannot: the claim is let go',
      );
      return { settlements: [failure], receipts: ['lost'] };
    }
  }

  /** Tells what became of a claim, now that the store has answered. */
  announce(ended: EndedClaim, settlement: Settlement, receipt: Receipt): void {
    if (receipt === 'lost') return this.#lost(ended, settlement);
    if (receipt === 'cancelled') this.#cancelled(ended);
    else this.#settled(ended, settlement);
    if (receipt === 'cancelled' || settlement.status !== 'pending') this.#parts.events.ended(ended.claim.stepId);
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

  #base(ended: EndedClaim, payload = payloadFor(ended)) {
    const { claim, podId = this.#parts.podId } = ended;
    return {
      type: claim.type,
      stepId: claim.stepId,
      args: payload.args,
      metadata: payload.metadata,
      attempt: claim.retryCount + 1,
      podId,
    };
  }

  /** The step as it stands after the settlement. Written out: this is on the hot path as soon as anybody listens. */
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
      updatedAt: this.#parts.wallMs(),
      claimedBy: podId ?? this.#parts.podId,
      result: parseJson(settlement.result),
      error: parseJson(settlement.error) as SerializedError | undefined,
      version: claim.version + 1,
    };
  }

  #completed(ended: EndedClaim, settlement: Settlement): void {
    const { events, log } = this.#parts;
    if (log.verbose) this.#note(ended, 'a step completed');
    if (!events.has('step:completed')) return;
    events.tell('step:completed', () => {
      const step = this.#step(ended, settlement, payloadFor(ended));
      return {
        type: step.type,
        stepId: step.stepId,
        args: step.args,
        metadata: step.metadata,
        attempt: step.attempt,
        podId: ended.podId ?? this.#parts.podId,
        result: step.result,
        durationMs: ended.durationMs,
        step,
      };
    });
  }

  /** A line for whoever debugs; with args and result only where the host asked for payloads. */
  #note(ended: EndedClaim, message: string): void {
    const { claim, outcome, durationMs } = ended;
    const { log, logPayloads } = this.#parts;
    const values =
      logPayloads === true
        ? {
            args: payloadFor(ended).args,
            ...(outcome.kind === 'succeeded' ? { result: outcome.result } : {}),
          }
        : {};
    log.debug({ stepId: claim.stepId, type: claim.type, durationMs, ...values }, message);
  }

  #failed(ended: EndedClaim, settlement: Settlement): void {
    const { events, log } = this.#parts;
    const error = recordedError(settlement);
    log.warn({ stepId: ended.claim.stepId, type: ended.claim.type, error: error.message }, 'a step failed for good');
    if (!events.has('step:failed')) return;
    events.tell('step:failed', () => {
      const payload = payloadFor(ended);
      return {
        ...this.#base(ended, payload),
        error: recordedError(settlement),
        durationMs: ended.durationMs,
        step: this.#step(ended, settlement, payload),
      };
    });
  }

  #retrying(ended: EndedClaim, settlement: Settlement): void {
    const { events, log } = this.#parts;
    if (log.verbose) this.#note(ended, 'a step will be tried again');
    if (!events.has('step:retrying')) return;
    const delayMs = settlement.delayMs ?? 0;
    events.tell('step:retrying', () => ({
      ...this.#base(ended),
      error: recordedError(settlement),
      delayMs,
      durationMs: ended.durationMs,
    }));
  }

  #released(ended: EndedClaim, settlement: Settlement): void {
    const { events, log } = this.#parts;
    const { outcome, claim } = ended;
    const [reason, error] = outcome.kind === 'released' ? [outcome.reason, outcome.error] : ['orphaned' as const];
    if (error !== undefined) {
      const { stepId, type } = claim;
      log.warn({ stepId, type, reason, error: error.message }, 'an aborted handler failed; its step was given back');
    }
    if (!events.has('step:released')) return;
    events.tell('step:released', () => ({ ...this.#base(ended), reason, delayMs: settlement.delayMs ?? 0, error }));
  }

  #timedOut(ended: EndedClaim, timeoutMs: number): void {
    const { events } = this.#parts;
    if (events.has('step:timedOut')) events.tell('step:timedOut', () => ({ ...this.#base(ended), timeoutMs }));
  }

  #cancelled({ claim, cancelledForMs }: EndedClaim): void {
    const { stepId, type } = claim;
    this.#parts.events.emit('step:cancelled', { stepId, type, by: 'holder', latencyMs: cancelledForMs ?? null });
  }

  #lost(ended: EndedClaim, settlement: Settlement): void {
    const { events, log } = this.#parts;
    log.warn(
      { stepId: ended.claim.stepId, type: ended.claim.type, refused: settlement.status },
      'a settlement was stale and changed nothing',
    );
    if (events.has('step:lost')) events.tell('step:lost', () => ({ ...this.#base(ended), refused: settlement.status }));
  }
}

/** Whether the store will refuse the same batch again, because of a value in it. */
function isRefusal(error: unknown): error is StoreError {
  return error instanceof StoreError && error.code === 'STORE_REFUSED';
}

/** The payload's values, for one listener alone. */
function payloadFor({ claim, payload }: EndedClaim): Payload {
  return payload ?? decodePayload(claim.payload);
}

function recordedError(settlement: Settlement): SerializedError {
  return (parseJson(settlement.error) as SerializedError | undefined) ?? { name: 'Error', message: 'unknown' };
}

/**
 * Turns the outcomes of claims into settlements, sends those to the store, and has their receipts announced.
 *
 * Invariants:
 * - The pool and the recovery settle through this class only.
 * - A batch that the store refuses is bisected. A settlement that is refused alone is sent again as a failure
 *   (`RESULT_UNSTORABLE`). If the store refuses the failure too, the claim counts as lost: it never blocks the pod.
 * - Any other error of the store is thrown on, because the outcome of the batch is then unknown.
 */
import type { StoreError } from '../errors.js';
import { loggedErrorWithStack, type Log } from '../log.js';
import { plainError } from '../step/serialized-error.js';
import { decide, type Outcome, type Rules } from '../step/decide-transition.js';
import { isRefusal, type Claim, type Receipt, type Settlement } from '../store/contract.js';
import type { Announcer } from './announcer.js';
import type { EndedClaim } from './ended-claim.js';

export interface SettlerDependencies {
  readonly announcer: Announcer;
  readonly log: Log;
  readonly random: () => number;
  /** The retry and crash rules for steps of this type, on this pod. */
  readonly rulesFor: (type: string) => Rules;
}

/** The settlements of a batch as they were finally sent, and the receipt of each. */
export interface Settled {
  readonly settlements: readonly Settlement[];
  readonly receipts: readonly Receipt[];
}

type Send = (batch: readonly Settlement[]) => Promise<readonly Receipt[]>;

export class Settler {
  readonly #deps: SettlerDependencies;

  constructor(deps: SettlerDependencies) {
    this.#deps = deps;
  }

  /** Decides the next state of a claim's step. */
  settlement(claim: Claim, outcome: Outcome): Settlement {
    const { stepId, claimToken, version } = claim;
    const next = decide(claim, outcome, this.#deps.rulesFor(claim.type), this.#deps.random);
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
   * Sends settlements, in halves if the store refuses the batch. The reply is in the order of the request.
   *
   * @throws what `send` throws, unless it is a refusal
   */
  async send(settlements: readonly Settlement[], send: Send): Promise<Settled> {
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

  /** Emits the events and writes the log lines of a claim whose receipt has come, and ends its trace. */
  announce(ended: EndedClaim, settlement: Settlement, receipt: Receipt): void {
    this.#deps.announcer.announce(ended, settlement, receipt);
    ended.trace?.settled(settlement, receipt);
  }

  async #sendAsFailure(refused: Settlement, error: StoreError, send: Send): Promise<Settled> {
    const { log } = this.#deps;
    const { stepId, status } = refused;
    log.error(
      { stepId, status, error: loggedErrorWithStack(error) },
      'outcome of a step was refused by the store; failing the step with RESULT_UNSTORABLE',
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
      log.error(
        { stepId, error: loggedErrorWithStack(again) },
        'step failure was refused by the store; giving up the claim',
      );
      return { settlements: [failure], receipts: ['lost'] };
    }
  }
}

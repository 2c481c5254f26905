/**
 * What an exchange does within its transaction: settles, reads back, promotes and claims.
 *
 * Invariants:
 * - Settlements come first, and are applied whatever the pod's state is.
 * - An incarnation that is final or asleep claims nothing: its claim would be an orphan at once.
 * - If a newer version has migrated the file past this one, nothing is claimed.
 */
import type { ClaimRequest, ExchangeReply, ExchangeRequest, PodRef } from '../../contract.js';
import type { Claims } from '../claiming/claims.js';
import type { HeldSteps } from '../claiming/held-steps.js';
import type { Promotion } from '../claiming/promotion.js';
import type { Pods } from '../pods/pods.js';
import type { SchemaVersionGuard } from '../schema/schema-version-guard.js';
import type { Settlements } from '../steps/settlements.js';

/** The reply to an exchange, without the pace: only the caller knows that. */
export interface Exchanged extends Omit<ExchangeReply, 'pace'> {
  /** Due work was left out until more of the backlog has been promoted: exchange again at once. */
  readonly blocked: boolean;
}

export interface ExchangeTransactionDependencies {
  readonly settlements: Settlements;
  readonly claims: Claims;
  readonly promotion: Promotion;
  readonly heldSteps: HeldSteps;
  readonly pods: Pods;
  readonly schema: SchemaVersionGuard;
}

export class ExchangeTransaction {
  readonly #deps: ExchangeTransactionDependencies;

  constructor(deps: ExchangeTransactionDependencies) {
    this.#deps = deps;
  }

  /** Call it within a transaction. @param most the most steps to claim, whatever the request says */
  run(now: number, { pod, settlements, claim, readBack }: ExchangeRequest, most: number): Exchanged {
    const { settlements: settling, heldSteps, pods, schema } = this.#deps;
    const receipts = settling.apply(now, pod.incarnation, settlements);
    if (!pods.isAwake(pod) || schema.outdated()) return { receipts, claims: [], nextDueInMs: null, blocked: false };
    const found = readBack === undefined ? [] : heldSteps.under(now, readBack, pod.incarnation);
    if (claim === undefined) return { receipts, claims: found, nextDueInMs: null, blocked: false };
    const { claims, nextDueInMs, blocked } = this.#claim(now, pod, claim, most);
    return { receipts, claims: [...found, ...claims], nextDueInMs, blocked };
  }

  #claim(now: number, pod: PodRef, request: ClaimRequest, most: number): Omit<Exchanged, 'receipts'> {
    const { claims: claiming, promotion } = this.#deps;
    const more = promotion.promote(now);
    const { claims, left, blocked } = claiming.take(now, pod, request, most, more);
    const nextDueInMs = more || left || blocked ? 0 : promotion.nextDueInMs(now, request);
    return { claims, nextDueInMs, blocked };
  }
}

/**
 * Claims of this pod that are void: another row of the step is claimed, has ended, or sorts first. They are given back and
 * never run.
 *
 * Invariant: a void claim goes back with every exchange until one has gone through and says that it is no longer held.
 */
import { fenceKey, type Fence, type Settlement } from '../../contract.js';
import type { ReceiptStates } from './settlements.js';

export class DuplicateRowClaims {
  readonly #settlements = new Map<string, Settlement>();

  add(claims: readonly Fence[]): void {
    for (const claim of claims) this.#settlements.set(fenceKey(claim), released(claim));
  }

  /** What the next exchange hands in for them, by {@link fenceKey}. */
  returning(): (readonly [key: string, settlement: Settlement])[] {
    return [...this.#settlements];
  }

  /** Forgets those that were returned with an exchange and are no longer claimed. */
  returned(sent: readonly (readonly [key: string, settlement: Settlement])[], states: ReceiptStates): void {
    for (const [key] of sent) if (states.get(key) !== 'claimed') this.#settlements.delete(key);
  }
}

const GIVEN_BACK = { status: 'pending', delayMs: null, charge: 0, crash: 0, result: null, error: null } as const;

/** The settlement that gives a claim back uncharged. */
export function released({ stepId, claimToken, version }: Fence): Settlement {
  return { stepId, claimToken, version, ...GIVEN_BACK };
}

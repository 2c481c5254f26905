/** Decodes the claims, the receipts and the work of a pod from the rows of `exchange.claimsAndReceipts`. */
import type { FreshClaim } from '../../contract.js';
import { claimOf, number, text } from '../rows.js';
import type { Row } from '../session/session-interface.js';
import { receiptStates, type ReceiptStates } from './settlements.js';

export interface ClaimsAndReceipts {
  /** Claims to run, in the order of claims. */
  readonly claims: readonly FreshClaim[];
  readonly voids: readonly FreshClaim[];
  readonly states: ReceiptStates;
  /** How many steps the pod could claim now. */
  readonly due: number;
  /** When the next step falls due, in ms; null if none waits. */
  readonly nextMs: number | null;
}

/** @param token the token of the claims that were asked for */
export function claimsAndReceipts(rows: readonly Row[], token: string): ClaimsAndReceipts {
  const ofKind = (kind: string) => rows.filter((row) => text(row, 'KIND') === kind);
  const claims = ofKind('claim').sort((a, b) => number(a, 'RANK_NO') - number(b, 'RANK_NO'));
  const inState = (state: string) =>
    claims.filter((row) => text(row, 'STATE') === state).map((row) => claimOf(row, token));
  const [work] = ofKind('work');
  const next = work?.['RANK_NO'] ?? null;
  return {
    claims: inState('first'),
    voids: inState('void'),
    states: receiptStates(ofKind('receipt')),
    due: number(work, 'SEEN'),
    nextMs: next === null ? null : Math.max(1, number(work, 'RANK_NO')),
  };
}

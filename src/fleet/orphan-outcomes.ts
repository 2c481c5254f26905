/**
 * The outcomes of orphaned claims.
 *
 * Invariants:
 * - Only the eviction of a pod is charged: it may be the step's fault.
 * - A claim counts as alone only if its token says so and no other claim of the same incarnation stands beside it. The
 *   token is the proof; the other rows can only refute it.
 */
import { isAlone } from '../step/crash-suspect.js';
import type { Outcome } from '../step/transition.js';
import type { Orphan } from '../store/contract.js';

export type Orphaned = Extract<Outcome, { readonly kind: 'orphaned' }>;

const UNCHARGED: Orphaned = Object.freeze({ kind: 'orphaned', evicted: false, alone: false });

/** An orphan, and what becomes of it. */
export interface DecidedOrphan {
  readonly orphan: Orphan;
  readonly outcome: Orphaned;
}

/** Decides a page, in its order. */
export function decided(page: readonly Orphan[]): readonly DecidedOrphan[] {
  const outcomes = outcomesOf(page);
  return page.map((orphan, at) => ({ orphan, outcome: outcomes[at] ?? UNCHARGED }));
}

/** One outcome for each orphan of a page, in its order. */
export function outcomesOf(page: readonly Orphan[]): readonly Orphaned[] {
  const held = new Map<string, number>();
  for (const { holder } of page) held.set(holder.incarnation, (held.get(holder.incarnation) ?? 0) + 1);
  return page.map((orphan) => {
    if (orphan.reason !== 'evicted') return UNCHARGED;
    return { kind: 'orphaned', evicted: true, alone: isAlone(orphan) && held.get(orphan.holder.incarnation) === 1 };
  });
}

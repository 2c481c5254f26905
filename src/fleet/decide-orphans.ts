/**
 * Decides the outcome of each orphaned claim.
 *
 * Invariants:
 * - Only the eviction of a pod is charged to the step: the step may have killed the pod.
 * - A claim counts as alone only if its token says so and its incarnation holds no other claim on the page. The token is
 *   the proof; other claims can only refute it.
 */
import { isAlone } from '../step/crash-suspect.js';
import type { Outcome } from '../step/decide-transition.js';
import type { Orphan } from '../store/contract.js';

export type OrphanOutcome = Extract<Outcome, { readonly kind: 'orphaned' }>;

const UNCHARGED: OrphanOutcome = Object.freeze({ kind: 'orphaned', evicted: false, alone: false });

/** An orphan and its outcome. */
export interface DecidedOrphan {
  readonly orphan: Orphan;
  readonly outcome: OrphanOutcome;
}

/** Decides a page of orphans, in its order. */
export function decideOrphans(page: readonly Orphan[]): readonly DecidedOrphan[] {
  const claims = new Map<string, number>();
  for (const { holder } of page) claims.set(holder.incarnation, (claims.get(holder.incarnation) ?? 0) + 1);
  return page.map((orphan) => {
    if (orphan.reason !== 'evicted') return { orphan, outcome: UNCHARGED };
    const alone = isAlone(orphan) && claims.get(orphan.holder.incarnation) === 1;
    return { orphan, outcome: { kind: 'orphaned', evicted: true, alone } };
  });
}

/** Recovery cycles as answers show them. */
import type { RecoverySummary } from '../../index.js';
import { isoInstant } from './instant.js';

/** @param most how many ids each list holds */
export function cycleAnswer(cycle: RecoverySummary, most: number): Readonly<Record<string, unknown>> {
  return {
    cycle_id: cycle.cycleId,
    dry_run: cycle.dryRun,
    started_ts: isoInstant(cycle.startedAt),
    duration_ms: cycle.durationMs,
    dead_pods: cycle.deadPods.slice(0, most).map(({ podId, incarnation }) => ({ pod_id: podId, incarnation })),
    orphans: cycle.orphans.slice(0, most),
    orphan_count: cycle.orphans.length,
    requeued: cycle.requeued.slice(0, most),
    requeued_count: cycle.requeued.length,
    failed: cycle.failed.slice(0, most),
    failed_count: cycle.failed.length,
    already_settled: cycle.alreadySettled.slice(0, most),
    already_settled_count: cycle.alreadySettled.length,
  };
}

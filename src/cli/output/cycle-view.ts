/** How recovery cycles are shown. A pod's API answers with the same JSON. */
import type { RecoverySummary } from '../../index.js';
import { cycleAnswer } from '../../http/answers/recovery.js';
import type { View } from './records.js';

/** A cycle as the HTTP API shows it. */
export interface Cycle {
  readonly cycle_id: string;
  readonly dry_run: boolean;
  readonly started_ts: string;
  readonly duration_ms: number;
  readonly dead_pods: readonly { readonly pod_id: string }[];
  readonly orphan_count: number;
  readonly requeued_count: number;
  readonly failed_count: number;
  readonly already_settled_count: number;
}

export const CYCLE_VIEW: View<Cycle> = {
  columns: [
    { title: 'STARTED' },
    { title: 'ORPHANS', align: 'right' },
    { title: 'REQUEUED', align: 'right' },
    { title: 'FAILED', align: 'right' },
    { title: 'TOOK', align: 'right' },
    { title: 'DRY RUN' },
    { title: 'DEAD PODS', shrinksTo: 9 },
  ],
  row: (cycle) => [
    cycle.started_ts,
    String(cycle.orphan_count),
    String(cycle.requeued_count),
    String(cycle.failed_count),
    `${Math.round(cycle.duration_ms)}ms`,
    cycle.dry_run ? 'yes' : 'no',
    cycle.dead_pods.length === 0 ? 'none' : cycle.dead_pods.map((pod) => pod.pod_id).join(', '),
  ],
  json: (cycle) => cycle,
  id: (cycle) => cycle.cycle_id,
};

export function cycleOf(summary: RecoverySummary): Cycle {
  return cycleAnswer(summary, Infinity) as unknown as Cycle;
}

/** The schemas of recovery. */
import type { Schema } from '../route.js';
import { count, duration, flag, instant, listOf, object, ref, STEP_ID, text, total } from './parts.js';

const ids = (description: string): Schema => listOf(STEP_ID, description);

export const RECOVERY_SCHEMAS: Readonly<Record<string, Schema>> = {
  RecoveryRequest: object(
    {
      force: flag('Runs even if this pod does not lead.', { default: false }),
      dry_run: flag('Says what would be done, and writes nothing.', { default: false }),
    },
    ['force', 'dry_run'],
  ),
  RecoveryOfPython: object({
    status: text('Always `completed`.', { const: 'completed' }),
    message: text('What happened.'),
    recovery_summary: object(
      {
        cycle_id: text('The id of the cycle.'),
        dead_pods_found: count('How many pods were dead.'),
        orphaned_steps_found: count('How many claimed steps had no live holder.'),
        steps_requeued: count('How many of them are pending again.'),
        steps_marked_terminal: count('How many of them failed.'),
        duration_ms: count('How long the cycle took.'),
        dead_pods: listOf(text('A pod.'), 'The dead pods.'),
        requeued_steps: ids('The steps that are pending again: the first 1,000.'),
        terminal_steps: ids('The steps that failed: the first 1,000.'),
      },
      [],
      { description: 'What the cycle did.' },
    ),
  }),
  RecoveryCycle: object({
    cycle_id: text('The id of the cycle.'),
    dry_run: flag('Whether nothing was written.'),
    started_ts: instant('When it began, by the clock of the pod that ran it.'),
    duration_ms: duration('How long it took.'),
    dead_pods: listOf(
      object({ pod_id: text('The name of the pod.'), incarnation: text('One life of the pod.') }, [], {
        description: 'A dead pod.',
      }),
      'The dead pods.',
    ),
    orphans: ids('The claimed steps without a live holder.'),
    orphan_count: total('orphans'),
    requeued: ids('Those that are pending again.'),
    requeued_count: total('requeued steps'),
    failed: ids('Those that failed.'),
    failed_count: total('failed steps'),
    already_settled: ids('Those that another pod had settled by then.'),
    already_settled_count: total('such steps'),
  }),
  RecoveryHistory: object({ cycles: listOf(ref('RecoveryCycle'), 'The cycles of this pod, the newest first.') }),
};

/** How the results of actions on steps are shown. */
import type { View } from './records.js';

/** What was done with a step. */
export interface StepResult {
  readonly stepId: string;
  readonly result: string;
}

export const RESULT_VIEW: View<StepResult> = {
  columns: [{ title: 'RESULT' }, { title: 'STEP ID' }],
  row: ({ stepId, result }) => [result.padEnd('RESULT'.length), stepId],
  json: ({ stepId, result }) => ({ step_id: stepId, result }),
  id: ({ stepId }) => stepId,
};

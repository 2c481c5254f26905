/** How steps are shown: as a row, as JSON, and in full. */
import type { Step, StepStatus } from '../../index.js';
import { isoInstant } from '../../http/answers/instant.js';
import { stepAnswer } from '../../http/answers/step.js';
import { age, duration } from './duration.js';
import type { Fields } from './fields.js';
import { indented } from './json.js';
import type { View } from './records.js';
import type { Cell } from './table.js';

const COLOURS = {
  pending: 'yellow',
  claimed: 'cyan',
  completed: 'green',
  failed: 'red',
  cancelled: 'gray',
} as const satisfies Record<StepStatus, string>;

function statusCell(status: StepStatus): Cell {
  return { text: status, format: COLOURS[status] };
}

/** Who may read the store may read all of it. */
const HIDES_NOTHING = { hides: () => false };

export const STEP_VIEW: View<Step> = {
  columns: [
    { title: 'STEP ID' },
    { title: 'TYPE', shrinksTo: 8 },
    { title: 'STATUS' },
    { title: 'PRIORITY', align: 'right', dropped: 1 },
    { title: 'ATTEMPT', align: 'right', dropped: 3 },
    { title: 'CREATED', align: 'right', dropped: 5 },
    { title: 'UPDATED', align: 'right', dropped: 2 },
    { title: 'POD', shrinksTo: 8, dropped: 4 },
    { title: 'ERROR', shrinksTo: 12 },
  ],
  row: (step) => [
    step.stepId,
    step.type,
    statusCell(step.status),
    String(step.priority),
    `${step.attempt}/${step.maxRetries + 1}`,
    age(step.createdAt),
    age(step.updatedAt),
    step.claimedBy ?? '',
    step.error === undefined ? '' : `${step.error.name}: ${step.error.message}`,
  ],
  json: (step) => stepAnswer(step, HIDES_NOTHING, () => false),
  id: (step) => step.stepId,
};

/** Everything about a step, for people. */
export function stepFields(step: Step): Fields {
  const { error, result } = step;
  const waits = step.status === 'pending' && step.runAt > Date.now();
  return {
    Step: step.stepId,
    Type: step.type,
    Status: step.status,
    Priority: String(step.priority),
    Attempt: `${step.attempt} of ${step.maxRetries + 1}`,
    ...(step.crashes === 0 ? {} : { Crashes: String(step.crashes) }),
    Created: at(step.createdAt),
    Updated: at(step.updatedAt),
    ...(waits ? { Due: `${isoInstant(step.runAt)} (in ${duration(step.runAt - Date.now())})` } : {}),
    ...(step.claimedBy === null ? {} : { Pod: step.claimedBy }),
    Args: step.args === undefined ? 'none' : indented(step.args),
    ...(Object.keys(step.metadata).length === 0 ? {} : { Metadata: indented(step.metadata) }),
    ...(result === undefined ? {} : { Result: indented(result) }),
    ...(error === undefined ? {} : { Error: error.stack ?? `${error.name}: ${error.message}` }),
  };
}

function at(instantMs: number): string {
  return `${isoInstant(instantMs)} (${age(instantMs)} ago)`;
}

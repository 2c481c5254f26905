/** The routes that cancel and retry a step. */
import { StepNotFoundError } from '../../index.js';
import { Problem } from '../problem.js';
import type { Route } from '../route.js';
import { object, STEP_ID, text } from '../schemas/parts.js';

const cancel: Route = {
  method: 'POST',
  path: '/api/steps/{step_id}/cancel',
  action: 'steps:cancel',
  tag: 'Steps',
  operationId: 'cancelStep',
  summary: 'Cancel a step',
  description: 'Makes a pending or claimed step terminal at once. Its handler, on whatever pod, is aborted.',
  params: { step_id: STEP_ID },
  answers: {
    200: {
      description: 'The step is cancelled.',
      schema: object({ step_id: STEP_ID, result: text('Always `cancelled`.', { const: 'cancelled' }) }),
    },
  },
  problems: [404, 409],
  handle: async ({ path }, { queue }) => {
    const stepId = path['step_id'] ?? '';
    const result = await queue.cancel(stepId);
    if (result === 'notFound') throw new StepNotFoundError(stepId);
    if (result === 'alreadyTerminal')
      throw refused('STEP_ALREADY_ENDED', stepId, 'has ended already, so it cannot be cancelled');
    return { status: 200, json: { step_id: stepId, result } };
  },
};

const retry: Route = {
  method: 'POST',
  path: '/api/steps/{step_id}/retry',
  action: 'steps:retry',
  tag: 'Steps',
  operationId: 'retryStep',
  summary: 'Retry a step',
  description: 'Makes a failed or cancelled step pending again, due now, with its counts reset.',
  params: { step_id: STEP_ID },
  answers: {
    200: {
      description: 'The step is pending again.',
      schema: object({ step_id: STEP_ID, result: text('Always `retried`.', { const: 'retried' }) }),
    },
  },
  problems: [404, 409],
  handle: async ({ path }, { queue }) => {
    const stepId = path['step_id'] ?? '';
    const result = await queue.retry(stepId);
    if (result === 'notFound') throw new StepNotFoundError(stepId);
    if (result === 'notRetryable')
      throw refused('STEP_NOT_RETRYABLE', stepId, 'has neither failed nor been cancelled, so it cannot be retried');
    return { status: 200, json: { step_id: stepId, result } };
  },
};

function refused(code: 'STEP_ALREADY_ENDED' | 'STEP_NOT_RETRYABLE', stepId: string, why: string): Problem {
  return new Problem(code, `the step ${stepId} ${why}`, { members: { step_id: stepId } });
}

export const STEP_ACTION_ROUTES: readonly Route[] = [cancel, retry];

/** The routes of the Python FLEET-Q for steps. */
import type { Step } from '../../index.js';
import { isoInstant } from '../answers/instant.js';
import { valuesOf } from '../answers/step.js';
import type { Answer, Route } from '../route.js';
import { name, object, ref, STEP_ID } from '../schemas/parts.js';
import { submitOne, type SubmittedStep } from '../submission.js';

const TAG = 'Routes of the Python FLEET-Q';

const submit: Route = {
  method: 'POST',
  path: '/submit',
  action: 'steps:submit',
  tag: TAG,
  operationId: 'submit',
  summary: 'Submit a step',
  body: {
    schema: ref('NewStepOfPython'),
    required: true,
    example: { type: 'resize', args: { file: 'a.png', width: 640 }, metadata: { user: 'alice' }, priority: 5 },
  },
  answers: {
    201: { description: 'The step is stored.', schema: ref('Submitted') },
    200: { description: 'A step of this id and payload existed. Nothing was changed.', schema: ref('Submitted') },
  },
  problems: [409, 422],
  handle: async ({ body }, services) => {
    const { stepId, receipt } = await submitOne(body as SubmittedStep, services);
    const created = receipt === 'created';
    const message = created ? `Step ${stepId} submitted` : `Step ${stepId} was submitted before`;
    return { status: created ? 201 : 200, json: { step_id: stepId, status: 'submitted', message } };
  },
};

const status: Route = {
  method: 'GET',
  path: '/status/{step_id}',
  action: 'steps:read',
  tag: TAG,
  operationId: 'status',
  summary: 'The status of a step',
  params: { step_id: STEP_ID },
  answers: { 200: { description: 'The step.', schema: ref('StepStatusReport') } },
  problems: [404],
  handle: async ({ path }, { queue, redaction }) => {
    const step: Step = await queue.getStep(path['step_id'] ?? '');
    const { shown, omitted } = valuesOf(step, redaction);
    return {
      status: 200,
      json: {
        step_id: step.stepId,
        status: step.status,
        claimed_by: step.claimedBy,
        last_update_ts: isoInstant(step.updatedAt),
        retry_count: step.retryCount,
        priority: step.priority,
        created_ts: isoInstant(step.createdAt),
        max_retries: step.maxRetries,
        payload: { type: step.type, args: shown.args, metadata: shown.metadata },
        omitted,
      },
    };
  },
};

const idempotency: Route = {
  method: 'GET',
  path: '/idempotency/{step_id}',
  action: 'steps:read',
  tag: TAG,
  operationId: 'idempotency',
  summary: 'The key under which the side effects of a step are safe to repeat',
  description: 'The same as `ctx.idempotencyKey` in the handler: it is the same for every attempt of the step.',
  params: { step_id: STEP_ID },
  answers: {
    200: {
      description: 'The key.',
      schema: object({ step_id: STEP_ID, idempotency_key: name(255, 'The key.') }),
    },
  },
  problems: [404],
  handle: async ({ path }, { queue }): Promise<Answer> => {
    const { stepId } = await queue.getStep(path['step_id'] ?? '');
    return { status: 200, json: { step_id: stepId, idempotency_key: stepId } };
  },
};

export const ORIGINAL_STEP_ROUTES: readonly Route[] = [submit, status, idempotency];

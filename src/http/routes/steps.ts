/** The routes that list, read and submit steps. */
import { show } from '../../errors.js';
import type { StepFilter } from '../../index.js';
import { listedSteps, stepAnswer } from '../answers/step.js';
import type { Route } from '../route.js';
import { instant, listOf, name, object, ref, STEP_ID, text } from '../schemas/parts.js';
import { queueStep, submitOne, submitting, type SubmittedStep } from '../submission.js';
import { invalid } from '../validation/violation.js';

const TAG = 'Steps';

/** The filter of a listing, as the query gives it. */
interface ListQuery {
  readonly status?: NonNullable<StepFilter['status']>;
  readonly type?: readonly string[];
  readonly claimed_by?: string;
  readonly created_after?: string;
  readonly created_before?: string;
  readonly order: 'oldest' | 'newest';
  readonly after?: string;
  readonly page_size: number;
}

const list: Route = {
  method: 'GET',
  path: '/api/steps',
  action: 'steps:read',
  tag: TAG,
  operationId: 'listSteps',
  summary: 'List steps',
  description:
    'The steps that match all conditions, page by page. To get the next page, repeat the request with `after` set to ' +
    '`next`. Values longer than 2,048 characters are left out, and named in `omitted`.',
  query: {
    status: listOf(ref('StepStatus'), 'Any of these. Repeat the parameter for several.', { maxItems: 5 }),
    type: listOf(name(255, 'A type.'), 'Any of these. Repeat the parameter for several.', { maxItems: 100 }),
    claimed_by: name(255, 'The pod that holds the step, or held it last.'),
    created_after: instant('Submitted at this instant or later.'),
    created_before: instant('Submitted before this instant.'),
    order: text('By submission.', { enum: ['oldest', 'newest'], default: 'oldest' }),
    after: text('`next` of an earlier page of the same listing.', { minLength: 1, maxLength: 2_048 }),
    page_size: { type: 'integer', minimum: 1, maximum: 200, default: 100, description: 'Steps in one page.' },
  },
  answers: { 200: { description: 'One page.', schema: ref('StepPage') } },
  handle: async ({ query }, { queue, redaction }) => {
    const { after, page_size, ...listing } = query as unknown as ListQuery;
    const { status, type, claimed_by, created_after, created_before, order } = listing;
    if (created_after !== undefined && created_before !== undefined && isBefore(created_before, created_after))
      throw invalid(
        'created_before',
        `expected an instant that is not before created_after, got ${show(created_before)}`,
      );
    const filter: StepFilter = {
      order,
      pageSize: page_size,
      ...(status === undefined ? {} : { status }),
      ...(type === undefined ? {} : { type }),
      ...(claimed_by === undefined ? {} : { claimedBy: claimed_by }),
      ...(created_after === undefined ? {} : { createdAfter: new Date(created_after) }),
      ...(created_before === undefined ? {} : { createdBefore: new Date(created_before) }),
      ...(after === undefined ? {} : { after }),
    };
    const { steps, next } = await queue.listSteps(filter).page();
    const shown = await listedSteps(steps, redaction);
    return { status: 200, json: { steps: shown, next } };
  },
};

function isBefore(one: string, other: string): boolean {
  return new Date(one).getTime() < new Date(other).getTime();
}

const get: Route = {
  method: 'GET',
  path: '/api/steps/{step_id}',
  action: 'steps:read',
  tag: TAG,
  operationId: 'getStep',
  summary: 'Read a step',
  params: { step_id: STEP_ID },
  answers: { 200: { description: 'The step.', schema: ref('Step') } },
  problems: [404],
  handle: async ({ path }, { queue, redaction }) => {
    const step = await queue.getStep(path['step_id'] ?? '');
    return { status: 200, json: stepAnswer(step, redaction) };
  },
};

const submit: Route = {
  method: 'POST',
  path: '/api/steps',
  action: 'steps:submit',
  tag: TAG,
  operationId: 'submitStep',
  summary: 'Submit a step',
  description:
    'To be able to repeat the request safely, send an `idempotency_key` or a `step_id`: then a repeat makes no second step.',
  body: {
    schema: ref('NewStep'),
    required: true,
    example: { type: 'resize', args: { file: 'a.png', width: 640 }, idempotency_key: 'a.png@640' },
  },
  answers: {
    201: {
      description: 'The step is stored.',
      schema: ref('Receipt'),
      headers: { location: text('The path of the step.') },
    },
    200: { description: 'The same step existed. Nothing was changed.', schema: ref('Receipt') },
  },
  problems: [409, 422],
  handle: async ({ body }, services) => {
    const { stepId, receipt } = await submitOne(body as SubmittedStep, services);
    const json = { step_id: stepId, receipt };
    if (receipt === 'duplicate') return { status: 200, json };
    const location = `${services.basePath}/api/steps/${encodeURIComponent(stepId)}`;
    return { status: 201, json, headers: { location } };
  },
};

/** By the most steps that it takes: its schema is compiled once. */
const batchRoutes = new Map<number, Route>();

/** Submits many steps. @param maxSteps the most of them */
export function batchRoute(maxSteps: number): Route {
  const route = batchRoutes.get(maxSteps) ?? batchOf(maxSteps);
  batchRoutes.set(maxSteps, route);
  return route;
}

function batchOf(maxSteps: number): Route {
  return {
    method: 'POST',
    path: '/api/steps/batch',
    action: 'steps:submit',
    tag: TAG,
    operationId: 'submitSteps',
    summary: 'Submit many steps',
    description:
      'All are checked before any is written. Their order is kept. If the store fails on the way, the answer is 503, and ' +
      '`step_ids` names those that were submitted.',
    body: {
      schema: object({
        steps: listOf(ref('NewStep'), 'The steps.', { minItems: 1, maxItems: maxSteps }),
      }),
      required: true,
      example: {
        steps: [
          { type: 'resize', args: { file: 'a.png', width: 640 } },
          { type: 'notify', priority: 5 },
        ],
      },
    },
    answers: { 200: { description: 'A receipt for each step, in their order.', schema: ref('Receipts') } },
    problems: [422],
    handle: async ({ body }, { queue, redaction }) => {
      const { steps } = body as { readonly steps: readonly SubmittedStep[] };
      const inputs = steps.map((step, i) => queueStep(step, `steps[${i}].`));
      const submitted = await submitting(steps, redaction, () => queue.submitManyWithReceipts(inputs));
      return { status: 200, json: { steps: submitted.map(({ stepId, receipt }) => ({ step_id: stepId, receipt })) } };
    },
  };
}

export const STEP_ROUTES: readonly Route[] = [list, submit, get];

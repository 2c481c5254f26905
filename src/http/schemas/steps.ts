/** The schemas of steps: as they are submitted, and as they are shown. */
import { MAX_DURATION_MS } from '../../input/field-checks.js';
import type { Properties, Schema } from '../route.js';
import { count, instant, listOf, name, object, ref, STEP_ID, text, textOrNull } from './parts.js';

const MAX_PRIORITY = 1_000_000_000;

/** The fields of a step as a client submits it. */
const SUBMITTED_FIELDS: Properties = {
  type: name(255, 'The step type.'),
  args: { description: 'What the handler gets. Any JSON value.' },
  metadata: { type: 'object', description: 'Travels with the step, and is never interpreted.' },
  priority: {
    type: 'integer',
    minimum: -MAX_PRIORITY,
    maximum: MAX_PRIORITY,
    default: 0,
    description: 'Higher runs first.',
  },
  max_retries: {
    type: 'integer',
    minimum: 0,
    maximum: 1_000_000,
    description: 'How often a failed attempt is retried. Default: as the step type says, else the queue: 3.',
  },
  run_at: instant('Not before this instant. Not together with `delay_ms`.'),
  delay_ms: {
    type: 'number',
    minimum: 0,
    maximum: MAX_DURATION_MS,
    description: 'Not before this time has passed, in ms, by the clock of the store.',
  },
  idempotency_key: {
    type: 'string',
    minLength: 1,
    maxLength: 1024,
    description: 'Steps of one type and key are one step, as long as it is kept. Not together with `step_id`.',
  },
  step_id: name(255, 'The id of the step. Default: a time-ordered UUID.'),
};

const STATUSES = ['pending', 'claimed', 'completed', 'failed', 'cancelled'];

const ERROR: Schema = object(
  {
    name: text('The name of the error class.'),
    message: text('The message.'),
    code: { type: ['string', 'number'], description: 'The code, if it had one.' },
    stack: text('The stack of the handler. Lists leave it out.'),
    fields: { type: 'object', description: 'Other fields of what was thrown.' },
    cause: ref('StepError'),
    errors: listOf(ref('StepError'), 'Of an `AggregateError`: its first errors.'),
  },
  ['code', 'stack', 'fields', 'cause', 'errors'],
  { description: 'Why an attempt failed.' },
);

const OMITTED: Schema = {
  type: 'object',
  additionalProperties: { enum: ['redacted', 'too-long'] },
  description: 'The fields that this answer leaves out, and why. To get a long one, read the step by its id.',
};

const OMITTABLE = ['args', 'metadata', 'result', 'error'] as const;

const EXAMPLE = {
  step_id: '0199c1de-6f4e-7d5a-8f3b-1c2d3e4f5a6b',
  type: 'resize',
  status: 'completed',
  args: { file: 'a.png', width: 640 },
  metadata: { user: 'alice' },
  priority: 0,
  retry_count: 0,
  attempt: 1,
  max_retries: 3,
  crashes: 0,
  run_at: '2026-01-31T12:00:00.000Z',
  created_ts: '2026-01-31T12:00:00.000Z',
  last_update_ts: '2026-01-31T12:00:01.250Z',
  claimed_by: 'pod-a',
  version: 3,
  result: { bytes: 20_480 },
  error: null,
};

/** Every field but the type may be left out. */
const OPTIONAL = Object.keys(SUBMITTED_FIELDS).filter((field) => field !== 'type');

export const STEP_SCHEMAS: Readonly<Record<string, Schema>> = {
  NewStep: object(SUBMITTED_FIELDS, OPTIONAL, {
    description: 'A step as it is submitted.',
    examples: [{ type: 'resize', args: { file: 'a.png', width: 640 }, idempotency_key: 'a.png@640' }],
  }),
  NewStepOfPython: object(
    { ...SUBMITTED_FIELDS, args: { default: {}, description: 'What the handler gets. Any JSON value.' } },
    OPTIONAL,
    { description: 'A step as it is submitted. Args that are left out are `{}`, as in the Python FLEET-Q.' },
  ),
  Receipt: object({
    step_id: STEP_ID,
    receipt: text(
      '`duplicate`: the step existed. `mismatch`: the id exists with another payload, and nothing was changed.',
      { enum: ['created', 'duplicate', 'mismatch'] },
    ),
  }),
  Receipts: object({ steps: listOf(ref('Receipt'), 'A receipt for each step, in their order.') }),
  StepPage: object({
    steps: listOf(ref('Step'), 'The steps.'),
    next: textOrNull('Pass it as `after` to get the next page; `null` if this is the last one.'),
  }),
  StepStatus: { enum: STATUSES, description: 'The status of a step.' },
  StepError: ERROR,
  Step: object(
    {
      step_id: STEP_ID,
      type: text('The step type.'),
      status: ref('StepStatus'),
      args: { description: 'What the handler gets. Absent if the step has none.' },
      metadata: { type: 'object', description: 'What travels with the step.' },
      priority: { type: 'integer', description: 'Higher runs first.' },
      retry_count: count('How many retries have been charged so far.'),
      attempt: { type: 'integer', minimum: 1, description: '`retry_count` + 1.' },
      max_retries: count('How many retries it may have.'),
      crashes: count('How many pods died while they held it.'),
      run_at: instant('Not before this instant.'),
      created_ts: instant('When it was submitted.'),
      last_update_ts: instant('When its state last changed.'),
      claimed_by: textOrNull('The pod that holds it, or held it last.'),
      version: count('Rises with every change of its state.'),
      result: { description: 'What the handler returned; `null` if it returned nothing, or has not.' },
      error: { anyOf: [ref('StepError'), { type: 'null' }], description: 'Why the last attempt failed.' },
      omitted: OMITTED,
    },
    [...OMITTABLE, 'omitted'],
    { description: 'A step.', examples: [EXAMPLE] },
  ),
  Submitted: object({
    step_id: STEP_ID,
    status: text('Always `submitted`.', { const: 'submitted' }),
    message: text('What happened.'),
  }),
  StepStatusReport: object(
    {
      step_id: STEP_ID,
      status: ref('StepStatus'),
      claimed_by: textOrNull('The pod that holds the step, or held it last.'),
      last_update_ts: instant('When its state last changed.'),
      retry_count: count('How many retries have been charged so far.'),
      priority: { type: 'integer', description: 'Higher runs first.' },
      created_ts: instant('When it was submitted.'),
      max_retries: count('How many retries it may have.'),
      payload: object(
        {
          type: text('The step type.'),
          args: { description: 'What the handler gets. Absent if the step has none.' },
          metadata: { type: 'object', description: 'What travels with the step.' },
        },
        ['args', 'metadata'],
        { description: 'What was submitted.' },
      ),
      omitted: OMITTED,
    },
    ['omitted'],
  ),
};

/** The schema of an error. */
import { STATUS_OF } from '../problem.js';
import { listOf, name, object, text } from './parts.js';

export const PROBLEM = object(
  {
    type: text('Always `about:blank`: `code` says what went wrong.', { const: 'about:blank' }),
    title: text('The phrase of the status.'),
    status: { type: 'integer', minimum: 400, maximum: 599, description: 'The status of the answer.' },
    detail: text('What was expected, what came, and what to do.'),
    code: text('What went wrong. Codes are never renamed.', { enum: Object.keys(STATUS_OF).sort() }),
    field: text('The path of the wrong field or parameter, such as `steps[3].priority`.'),
    step_id: name(255, 'The step that the answer is about.'),
    step_ids: listOf(name(255, 'An id.'), 'Of `SUBMIT_INCOMPLETE`: the steps that were submitted.'),
  },
  ['field', 'step_id', 'step_ids'],
  {
    description: 'An error, by RFC 9457.',
    examples: [
      {
        type: 'about:blank',
        title: 'Bad Request',
        status: 400,
        detail: 'steps[3].priority: expected a whole number from -1000000000 to 1000000000, got "high"',
        code: 'REQUEST_INVALID',
        field: 'steps[3].priority',
      },
    ],
  },
);

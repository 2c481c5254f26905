/**
 * Finds steps that occur twice in one call of `submitMany`.
 *
 * Invariants:
 * - The same step twice is one step. Two different steps with one id are an error, whether the id was given or made from
 *   an idempotency key, or from the name or the args of a step that a handler submits.
 * - The error names what the caller gave, never an id that the library made.
 * - A step with a generated id costs nothing.
 */
import { show, ValidationError } from '../errors.js';
import { idSourceOf } from '../step/id-source.js';
import type { StepInput } from '../step/step-input.js';
import type { NewStep } from '../step/submission.js';

type Compared = Exclude<keyof NewStep, 'stepId' | 'type'>;

const COMPARED: Readonly<Record<Compared, string>> = {
  payload: 'other args or metadata',
  priority: 'another priority',
  maxRetries: 'other maxRetries',
  delayMs: 'another delayMs',
  runAt: 'another runAt',
};
const FIELDS = Object.keys(COMPARED) as Compared[];

export class SameStepTwice {
  readonly #seen = new Map<string, { readonly step: NewStep; readonly position: number }>();

  /**
   * Returns the step, unless an earlier one has its id and differs from it.
   *
   * @param step has been validated
   * @throws ValidationError `STEP_INVALID`
   */
  check(input: StepInput, step: NewStep, position: number): NewStep {
    if (input.stepId === undefined && input.idempotencyKey === undefined) return step;
    const earlier = this.#seen.get(step.stepId);
    if (earlier === undefined) this.#seen.set(step.stepId, { step, position });
    else {
      const difference = differenceOf(earlier.step, step);
      if (difference !== undefined)
        throw conflict(input, difference, `steps[${earlier.position}]`, `steps[${position}]`);
    }
    return step;
  }
}

function differenceOf(one: NewStep, other: NewStep): 'type' | Compared | undefined {
  if (one.type !== other.type) return 'type';
  return FIELDS.find((field) => one[field] !== other[field]);
}

function conflict(input: StepInput, difference: 'type' | Compared, earlier: string, path: string): ValidationError {
  const other = difference === 'type' ? 'another type' : COMPARED[difference];
  const source = idSourceOf(input);
  if (source !== undefined && 'argsText' in source) {
    const problem = `has the type and args of ${earlier}, with ${difference === 'payload' ? 'other metadata' : other}`;
    return new ValidationError('STEP_INVALID', path, `${problem}; to submit both, give each a name`);
  }
  const given = input.idempotencyKey === undefined ? 'stepId' : 'idempotencyKey';
  const [field, value] = source === undefined ? [`${path}.${given}`, input[given]] : [source.field, source.name];
  const problem = `names the same step as ${earlier}, with ${other}, got ${show(value)}`;
  return new ValidationError('STEP_INVALID', field, problem);
}

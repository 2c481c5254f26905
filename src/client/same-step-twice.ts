/**
 * Finds steps that occur twice in one call of `submitMany`.
 *
 * Invariants:
 * - The same step twice is one step. Two different steps with one id are an error, whether the id was given or made from
 *   an idempotency key.
 * - A step with a generated id costs nothing.
 */
import { show, ValidationError } from '../errors.js';
import type { NewStep, StepInput } from '../step/submission.js';

const COMPARED: Readonly<Record<Exclude<keyof NewStep, 'stepId' | 'type'>, string>> = {
  payload: 'other args or metadata',
  priority: 'another priority',
  maxRetries: 'other maxRetries',
  delayMs: 'another delayMs',
  runAt: 'another runAt',
};

export class SameStepTwice {
  readonly #seen = new Map<string, { readonly step: NewStep; readonly position: number }>();

  /**
   * Returns the step, unless an earlier one has its id and differs from it.
   *
   * @param step has been validated
   * @throws ValidationError `STEP_INVALID`
   */
  check(input: StepInput, step: NewStep, position: number): NewStep {
    const field = input.idempotencyKey === undefined ? 'stepId' : 'idempotencyKey';
    const given = input[field];
    if (given === undefined) return step;
    const earlier = this.#seen.get(step.stepId);
    if (earlier === undefined) this.#seen.set(step.stepId, { step, position });
    else
      refuseDifference(earlier.step, step, (difference) => {
        const path = `steps[${position}].${field}`;
        const problem = `names the same step as steps[${earlier.position}], with ${difference}, got ${show(given)}`;
        return new ValidationError('STEP_INVALID', path, problem);
      });
    return step;
  }
}

function refuseDifference(one: NewStep, other: NewStep, error: (difference: string) => Error): void {
  if (one.type !== other.type) throw error('another type');
  for (const [field, difference] of Object.entries(COMPARED) as [keyof typeof COMPARED, string][]) {
    if (one[field] !== other[field]) throw error(difference);
  }
}

/** The cursor of a list: the instant of creation and the id of the last step of a page. */
import { show, ValidationError } from '../../../errors.js';
import type { ListPage, StepRecord } from '../../contract.js';

/** One page of the steps that were read, which may be one more. */
export function pageOf(steps: readonly StepRecord[], limit: number): ListPage {
  const last = steps.length > limit ? steps[limit - 1] : undefined;
  return {
    steps: steps.slice(0, limit),
    next: last === undefined ? null : JSON.stringify([last.createdAt, last.stepId]),
  };
}

/** @throws ValidationError `OPTION_INVALID` if the text is no cursor */
export function cursorOf(after: string): { readonly afterMs: number; readonly afterId: string } {
  const invalid = new ValidationError('OPTION_INVALID', 'after', `is no cursor of a list, got ${show(after)}`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(after);
  } catch {
    throw invalid;
  }
  const [afterMs, afterId] = Array.isArray(parsed) ? (parsed as unknown[]) : [];
  if (!Number.isSafeInteger(afterMs) || typeof afterId !== 'string' || /\p{Cs}/u.test(afterId)) throw invalid;
  return { afterMs: afterMs as number, afterId };
}

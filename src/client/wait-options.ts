/** How a wait may be bounded, checked once. */
import { MAX_DELAY_MS } from '../runtime/runtime.js';
import { checkFields, expecting, type FieldChecks } from '../step/field-checks.js';

export interface WaitOptions {
  /** Gives up after so many ms, 24 days at most; the step goes on. Default: never. */
  readonly timeoutMs?: number;
  /** Ends the wait; the step goes on. */
  readonly signal?: AbortSignal;
}

const OPTIONS: FieldChecks = {
  timeoutMs: expecting(
    `milliseconds from 1 to ${MAX_DELAY_MS}`,
    (value) => typeof value === 'number' && value >= 1 && value <= MAX_DELAY_MS,
  ),
  signal: expecting('an AbortSignal', isAbortSignal),
};
/** By what it can do: a signal of another realm, such as that of jsdom, is of another class. */
function isAbortSignal(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { aborted, addEventListener, removeEventListener } = value as Partial<AbortSignal>;
  return [typeof aborted, typeof addEventListener, typeof removeEventListener].join() === 'boolean,function,function';
}

/** @throws ValidationError `OPTION_INVALID` */
export function checkWaitOptions(options: WaitOptions): void {
  checkFields(options, OPTIONS, 'OPTION_INVALID', 'options');
}

/** The options of `waitFor`. */
import { MAX_DELAY_MS } from '../runtime/runtime.js';
import { checkFields, expecting, type FieldChecks } from '../input/field-checks.js';

export interface WaitOptions {
  /** Gives up after this many ms; 1 to 2,147,483,647 (24 days). The step continues. Default: never. */
  readonly timeoutMs?: number;
  /** Ends the wait with `WAIT_ABORTED`. The step continues. */
  readonly signal?: AbortSignal;
}

const OPTIONS: FieldChecks = {
  timeoutMs: expecting(
    `milliseconds from 1 to ${MAX_DELAY_MS}`,
    (value) => typeof value === 'number' && value >= 1 && value <= MAX_DELAY_MS,
  ),
  signal: expecting('an AbortSignal', isAbortSignal),
};

/** Checks what the object can do, because a signal of another realm (such as jsdom's) is of another class. */
function isAbortSignal(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { aborted, addEventListener, removeEventListener } = value as Partial<AbortSignal>;
  return [typeof aborted, typeof addEventListener, typeof removeEventListener].join() === 'boolean,function,function';
}

/** @throws ValidationError `OPTION_INVALID` */
export function checkWaitOptions(options: WaitOptions): void {
  checkFields(options, OPTIONS, 'OPTION_INVALID', 'options');
}

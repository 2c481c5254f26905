/**
 * A step as answers show it.
 *
 * Invariants: what a type hides is never shown, whatever shows the step.
 */
import type { SerializedError, Step } from '../../index.js';
import type { Redaction } from '../guard/redact.js';
import { isLongerThan } from './bounded.js';
import { isoInstant } from './instant.js';

/** The fields whose values come from users, so they may be secret or long. */
const VALUES = ['args', 'metadata', 'result', 'error'] as const;

type Value = (typeof VALUES)[number];

/** Why a field is not shown. */
type Omission = 'redacted' | 'too-long';

/** Whether a value is too long to be shown. */
export type TooLong = (value: unknown) => boolean;

/** The values of a step that may be shown, and why the others are not. */
export interface ShownValues {
  readonly shown: Readonly<Partial<Record<Value, unknown>>>;
  readonly omitted?: Readonly<Partial<Record<Value, Omission>>>;
}

/** A value of any length is shown; one that nests too deeply was written by hand. */
const tooDeep: TooLong = (value) => isLongerThan(value, Infinity);

export function valuesOf(step: Step, redaction: Redaction, tooLong: TooLong = tooDeep): ShownValues {
  const shown: Partial<Record<Value, unknown>> = {};
  const omitted: Partial<Record<Value, Omission>> = {};
  for (const key of VALUES) {
    const value = key === 'result' || key === 'error' ? (step[key] ?? null) : step[key];
    if (value !== null && value !== undefined && redaction.hides(step.type, key)) {
      omitted[key] = 'redacted';
      if (key === 'error') shown.error = nameAndCode(step.error);
    } else if (tooLong(value)) omitted[key] = 'too-long';
    else if (value !== undefined) shown[key] = value;
  }
  return { shown, ...(Object.keys(omitted).length === 0 ? {} : { omitted }) };
}

/** What tells errors apart, and quotes nothing. */
function nameAndCode(error: Step['error']): object {
  const { name, code } = error ?? {};
  return { name, message: '[redacted]', ...(code === undefined ? {} : { code }) };
}

/** A step under `/api`. */
export function stepAnswer(step: Step, redaction: Redaction, tooLong?: TooLong): Readonly<Record<string, unknown>> {
  const { shown, omitted } = valuesOf(step, redaction, tooLong);
  return {
    step_id: step.stepId,
    type: step.type,
    status: step.status,
    args: shown.args,
    metadata: shown.metadata,
    priority: step.priority,
    retry_count: step.retryCount,
    attempt: step.attempt,
    max_retries: step.maxRetries,
    crashes: step.crashes,
    run_at: isoInstant(step.runAt),
    created_ts: isoInstant(step.createdAt),
    last_update_ts: isoInstant(step.updatedAt),
    claimed_by: step.claimedBy,
    version: step.version,
    result: shown.result,
    error: shown.error,
    omitted,
  };
}

/** Values longer than this are left out of lists, in characters of JSON. */
const LONGEST_LISTED = 2_048;

/** How long the event loop is kept, in ms. */
const SLICE_MS = 5;

/** The steps of a list, in slices of time: to measure 200 long values takes a second. */
export async function listedSteps(
  steps: readonly Step[],
  redaction: Redaction,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const listed: Readonly<Record<string, unknown>>[] = [];
  let sliceEnds = performance.now() + SLICE_MS;
  for (const step of steps) {
    listed.push(listedStep(step, redaction));
    if (performance.now() < sliceEnds) continue;
    await new Promise((resolve) => setTimeout(resolve));
    sliceEnds = performance.now() + SLICE_MS;
  }
  return listed;
}

/** A step in a list: without long values, and without the stack of its error. */
function listedStep(step: Step, redaction: Redaction): Readonly<Record<string, unknown>> {
  const listed = step.error === undefined ? step : ({ ...step, error: withoutStack(step.error) } as Step);
  return stepAnswer(listed, redaction, (value) => isLongerThan(value, LONGEST_LISTED));
}

function withoutStack({ stack: _stack, cause, errors, ...error }: SerializedError): SerializedError {
  return {
    ...error,
    ...(cause === undefined ? {} : { cause: withoutStack(cause) }),
    ...(errors === undefined ? {} : { errors: errors.map(withoutStack) }),
  };
}

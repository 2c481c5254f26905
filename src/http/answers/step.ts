/**
 * A step as answers show it.
 *
 * Invariants: what a type hides is never shown, whatever shows the step.
 */
import type { Step } from '../../index.js';
import type { Redaction } from '../guard/redact.js';

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

export function valuesOf(step: Step, redaction: Redaction, tooLong: TooLong = () => false): ShownValues {
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

/** The last instant that a `Date` can name. */
const MAX_INSTANT = 8_640_000_000_000_000;

/** ISO 8601 in UTC, with ms. An instant that no `Date` can name (a row changed by hand) becomes the nearest one. */
export function isoInstant(epochMs: number): string {
  const ms = Number.isFinite(epochMs) ? epochMs : 0;
  return new Date(Math.min(Math.max(ms, -MAX_INSTANT), MAX_INSTANT)).toISOString();
}

/**
 * A step that a client submits, as the queue takes it.
 *
 * Invariants: an error of the queue names the field as the client wrote it, and shows no value of a type that is hidden.
 */
import { ValidationError } from '../index.js';
import type { Redaction } from './guard/redact.js';
import { Problem } from './problem.js';
import type { Services } from './route.js';
import { invalid } from './validation/violation.js';

/** The body of a submission. Its schema has been checked. */
export interface SubmittedStep {
  readonly type: string;
  readonly args?: unknown;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly priority?: number;
  readonly max_retries?: number;
  readonly run_at?: string;
  readonly delay_ms?: number;
  readonly idempotency_key?: string;
  readonly step_id?: string;
}

/** @param prefix in front of field names, such as `steps[3].`. @throws Problem `REQUEST_INVALID` */
export function queueStep(step: SubmittedStep, prefix = ''): { readonly type: string; readonly args: unknown } {
  refuseBoth(step, 'run_at', 'delay_ms', prefix);
  refuseBoth(step, 'idempotency_key', 'step_id', prefix);
  const { max_retries, run_at, delay_ms, idempotency_key, step_id, ...same } = step;
  const renamed = {
    maxRetries: max_retries,
    runAt: run_at === undefined ? undefined : new Date(run_at),
    delayMs: delay_ms,
    idempotencyKey: idempotency_key,
    stepId: step_id,
  };
  return { ...same, ...renamed } as { type: string; args: unknown };
}

function refuseBoth(step: SubmittedStep, one: keyof SubmittedStep, other: keyof SubmittedStep, prefix: string): void {
  if (step[one] !== undefined && step[other] !== undefined)
    throw invalid(`${prefix}${one}`, `cannot be given together with ${other}`);
}

/** Runs a submission. An error that shows args or metadata of a hidden type is replaced by one that does not. */
export async function submitting<T>(
  steps: readonly SubmittedStep[],
  redaction: Redaction,
  submit: () => Promise<T>,
): Promise<T> {
  try {
    return await submit();
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    const [, index = '0', field] = /^(?:steps\[(\d+)\]\.)?(args|metadata)\b/.exec(error.field) ?? [];
    const type = steps[Number(index)]?.type;
    if (field === undefined || type === undefined || !redaction.hides(type, 'args')) throw error;
    const detail = `${error.field}: is not acceptable; what is wrong is not shown, because steps of this type are hidden`;
    throw new Problem(error.code, detail, { field: error.field });
  }
}

/** Submits a step. @throws Problem `STEP_MISMATCH` if its id exists with another payload */
export async function submitOne(
  step: SubmittedStep,
  { queue, redaction }: Services,
): Promise<{ readonly stepId: string; readonly receipt: 'created' | 'duplicate' }> {
  const { stepId, receipt } = await submitting([step], redaction, () => queue.submitWithReceipt(queueStep(step)));
  if (receipt !== 'mismatch') return { stepId, receipt };
  const detail = `the step ${stepId} exists with another payload; nothing was changed`;
  throw new Problem('STEP_MISMATCH', detail, { members: { step_id: stepId } });
}

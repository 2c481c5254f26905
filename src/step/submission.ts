/**
 * Validates a step that is submitted, and encodes its payload.
 *
 * Invariants: a step has one shape everywhere. It is validated once, before anything is written.
 */
import { show, ValidationError } from '../errors.js';
import { MAX_TYPE_LENGTH } from './definition.js';
import {
  checkFields,
  integer,
  milliseconds,
  name,
  expecting,
  instant,
  record,
  type FieldChecks,
} from '../input/field-checks.js';
import { encodePayload, type PayloadArgs } from './payload.js';
import { idempotentId } from './derived-step-id.js';
import { idSourceOf } from './id-source.js';
import type { StepInput, SubmitOptions } from './step-input.js';

/** A validated step on its way into a store. */
export interface NewStep {
  readonly stepId: string;
  readonly type: string;
  /** Exact JSON text of `{ type, args, metadata }`. */
  readonly payload: string;
  readonly priority: number;
  readonly maxRetries: number;
  /** Due after this time, in ms, by the store's clock; 0 for at once. Ignored if `runAt` is set. */
  readonly delayMs: number;
  /** Due at this instant (epoch ms), or `null`. It is the only instant that a store is given. */
  readonly runAt: number | null;
}

/** Limits and defaults that validation applies. */
export interface SubmissionRules {
  readonly maxPayloadBytes: number;
  readonly maxRetries: number;
  /** Whether a schema checks the args. If so, `undefined` args count as left out: the schema says whether they may be. */
  readonly hasSchema?: boolean;
}

const MAX_PRIORITY = 1_000_000_000;
const OPTION_FIELDS: FieldChecks = {
  metadata: record,
  priority: integer(-MAX_PRIORITY, MAX_PRIORITY),
  maxRetries: integer(0, 1_000_000),
  runAt: instant,
  delayMs: milliseconds,
  idempotencyKey: expecting(
    'text of 1 to 1024 characters',
    (value) => typeof value === 'string' && value.length > 0 && value.length <= 1024,
  ),
  stepId: name(255),
};
const FIELDS: FieldChecks = { type: name(MAX_TYPE_LENGTH), args: () => undefined, ...OPTION_FIELDS };

const OPTION_NAMES = Object.keys(OPTION_FIELDS) as (keyof SubmitOptions)[];

/** Checks options that stand beside the args. @throws ValidationError `STEP_INVALID` */
export function checkSubmitOptions(options: unknown, field: string, more: FieldChecks = {}): void {
  checkFields(options, { ...OPTION_FIELDS, ...more }, 'STEP_INVALID', field);
  refuseConflicts(options as SubmitOptions, `${field}.`);
}

/** Copies the given options by the table, so that an inherited option (a getter of a class) is copied too. */
export function copyOptions<T extends object>(from: SubmitOptions, to: T): T & SubmitOptions {
  const copy: Record<string, unknown> = to as T & Record<string, unknown>;
  for (const key of OPTION_NAMES) {
    const value = from[key];
    if (value !== undefined) copy[key] = value;
  }
  return to;
}

/**
 * Validates a step and encodes its payload.
 *
 * @param newId makes an id if the input names none
 * @param prefix path in front of field names in messages, such as `steps[3].`
 * @throws ValidationError `STEP_INVALID`, `PAYLOAD_UNSERIALIZABLE`, `PAYLOAD_TOO_LARGE`
 */
export function validateStep(input: unknown, rules: SubmissionRules, newId: () => string, prefix = ''): NewStep {
  const path = prefix === '' ? '' : prefix.slice(0, -1);
  checkFields(input, FIELDS, 'STEP_INVALID', path);
  const step = input as StepInput;
  if (step.type === undefined)
    throw new ValidationError('STEP_INVALID', `${prefix}type`, `is missing in ${show(input)}`);
  refuseConflicts(step, prefix);
  const missing = !('args' in step) || (step.args === undefined && rules.hasSchema === true);
  return {
    stepId: step.stepId ?? (step.idempotencyKey === undefined ? newId() : idempotentId(step.type, step.idempotencyKey)),
    type: step.type,
    payload: encodePayload(
      step.type,
      missing ? undefined : payloadArgs(step),
      step.metadata,
      rules.maxPayloadBytes,
      prefix,
    ),
    priority: step.priority ?? 0,
    maxRetries: step.maxRetries ?? rules.maxRetries,
    delayMs: step.delayMs ?? 0,
    runAt: step.runAt === undefined ? null : Math.floor(Number(step.runAt)),
  };
}

/** If the id was made from the args, their text must be as canonical as the id: a repeat compares it. */
function payloadArgs(step: StepInput): PayloadArgs {
  const source = idSourceOf(step);
  return source !== undefined && 'argsText' in source ? { text: source.argsText } : { value: step.args };
}

function refuseConflicts(options: SubmitOptions, prefix: string): void {
  refuseBoth(options, 'runAt', 'delayMs', prefix);
  refuseBoth(options, 'idempotencyKey', 'stepId', prefix);
}

function refuseBoth(
  options: SubmitOptions,
  one: keyof SubmitOptions,
  other: keyof SubmitOptions,
  prefix: string,
): void {
  if (options[one] === undefined || options[other] === undefined) return;
  throw new ValidationError(
    'STEP_INVALID',
    `${prefix}${one}`,
    `cannot be given together with ${other}, got ${show(options[one])} and ${show(options[other])}`,
  );
}

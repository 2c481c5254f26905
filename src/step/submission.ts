/** A step as it is submitted: one shape everywhere (`submit`, `submitMany`, HTTP, SQL), validated once, at the edge. */
import { createHash } from 'node:crypto';
import { types } from 'node:util';
import { show, ValidationError } from '../errors.js';
import { MAX_TYPE_LENGTH } from './definition.js';
import { checkFields, integer, milliseconds, name, expecting, record, type FieldChecks } from './field-checks.js';
import { encodePayload } from './payload.js';
import type { Metadata } from './step.js';

/** What a caller submits. */
export interface StepInput<T extends string = string, A = unknown> {
  readonly type: T;
  readonly args?: A;
  readonly metadata?: Metadata;
  /** Higher runs first; a whole number from −1,000,000,000 to 1,000,000,000. Default 0. */
  readonly priority?: number;
  /** How often a failed attempt is tried again. Default: the step type's, else the queue's, 3. */
  readonly maxRetries?: number;
  /**
   * Not before this instant of the real world (a `Date` or epoch ms), also where the host's wall clock is put right
   * meanwhile. An instant that is computed from a wrong clock is wrong: for "in a minute" take `delayMs`. Not together
   * with it.
   */
  readonly runAt?: Date | number;
  /**
   * Not before so many ms from now, by the store's clock, which no step of a wall clock moves. On SQLite, time in which
   * the host is suspended does not count. Not together with `runAt`.
   */
  readonly delayMs?: number;
  /** Steps of one type and key are one step, as long as it is kept. Not together with `stepId`. */
  readonly idempotencyKey?: string;
  /** The step's id, if you want to choose it. Default: a time-ordered UUID. */
  readonly stepId?: string;
}

/** A validated step on its way into a store. */
export interface NewStep {
  readonly stepId: string;
  readonly type: string;
  /** Exact JSON text of `{ type, args, metadata }`. */
  readonly payload: string;
  readonly priority: number;
  readonly maxRetries: number;
  /** Due after so many ms by the store's clock; 0: at once. Ignored where `runAt` is set. */
  readonly delayMs: number;
  /** Due at this instant (epoch ms), the one instant that crosses the store's seam; or `null`. */
  readonly runAt: number | null;
}

/** What validation needs to know. */
export interface SubmissionRules {
  readonly maxPayloadBytes: number;
  readonly maxRetries: number;
}

const MAX_PRIORITY = 1_000_000_000;
/** The last instant that a `Date` can name. */
const MAX_INSTANT = 8_640_000_000_000_000;

const FIELDS: FieldChecks = {
  type: name(MAX_TYPE_LENGTH),
  args: () => undefined,
  metadata: record,
  priority: integer(-MAX_PRIORITY, MAX_PRIORITY),
  maxRetries: integer(0, 1_000_000),
  runAt: expecting('a valid Date or epoch milliseconds', (value) =>
    isInstant(types.isDate(value) ? value.getTime() : value),
  ),
  delayMs: milliseconds,
  idempotencyKey: expecting(
    'text of 1 to 1024 characters',
    (value) => typeof value === 'string' && value.length > 0 && value.length <= 1024,
  ),
  stepId: name(255),
};

function isInstant(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= MAX_INSTANT;
}

/**
 * Validates a step and encodes its payload.
 *
 * @param newId makes an id where the input names none
 * @param prefix path in front of field names in messages, such as `steps[3].`
 * @throws ValidationError `STEP_INVALID`, `PAYLOAD_UNSERIALIZABLE`, `PAYLOAD_TOO_LARGE`
 */
export function validateStep(input: unknown, rules: SubmissionRules, newId: () => string, prefix = ''): NewStep {
  const path = prefix === '' ? '' : prefix.slice(0, -1);
  checkFields(input, FIELDS, 'STEP_INVALID', path);
  const step = input as StepInput;
  if (step.type === undefined)
    throw new ValidationError('STEP_INVALID', `${prefix}type`, `is missing in ${show(input)}`);
  refuseBoth(step, 'runAt', 'delayMs', prefix);
  refuseBoth(step, 'idempotencyKey', 'stepId', prefix);
  const args = 'args' in step ? { value: step.args } : undefined;
  return {
    stepId: step.stepId ?? (step.idempotencyKey === undefined ? newId() : idempotentId(step.type, step.idempotencyKey)),
    type: step.type,
    payload: encodePayload(step.type, args, step.metadata, rules.maxPayloadBytes, prefix),
    priority: step.priority ?? 0,
    maxRetries: step.maxRetries ?? rules.maxRetries,
    delayMs: step.delayMs ?? 0,
    runAt: step.runAt === undefined ? null : Math.floor(Number(step.runAt)),
  };
}

function refuseBoth(step: StepInput, one: keyof StepInput, other: keyof StepInput, prefix: string): void {
  if (step[one] === undefined || step[other] === undefined) return;
  throw new ValidationError(
    'STEP_INVALID',
    `${prefix}${one}`,
    `cannot be given together with ${other}, got ${show(step[one])} and ${show(step[other])}`,
  );
}

/** Namespace of the ids that idempotency keys make; chosen once, never to change. */
const NAMESPACE = Buffer.from('5c1f4c6e2f3b5a5d9f0b6f0e7d1c2a38', 'hex');

/** The id of the one step of this type and key: a UUID of version 5 (RFC 9562 §5.5), the same in every process. */
export function idempotentId(type: string, key: string): string {
  const hash = createHash('sha1')
    .update(NAMESPACE)
    .update(JSON.stringify([type, key]))
    .digest()
    .subarray(0, 16);
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

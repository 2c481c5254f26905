/** A step type: its name, the schema of its args, its options and the handler. Types of many files are inferred from these. */
import { types } from 'node:util';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { asError, isError, show, ValidationError } from '../errors.js';
import type { Logger } from '../log.js';
import {
  checkFields,
  integer,
  milliseconds,
  name,
  expecting,
  positiveMillisecondsOrNull,
  type FieldChecks,
} from './field-checks.js';
import type { JsonGuard } from './json.js';
import type { RetryPolicy } from './retry.js';
import type { Metadata } from './step.js';

/** How `ctx.release` gives a step back. */
export interface ReleaseOptions {
  /** Due again after so many ms. Default 5,000. */
  readonly delayMs?: number;
}

/** What a handler gets beside its args. */
export interface StepContext {
  readonly stepId: string;
  readonly type: string;
  /** `retryCount` + 1: 1 on the first charged run. */
  readonly attempt: number;
  readonly maxRetries: number;
  readonly metadata: Metadata;
  readonly podId: string;
  /**
   * Aborts when the step is cancelled, runs out of time, is lost to another pod, or the queue stops; its `reason` is a
   * `FleetQError` with the code `STEP_CANCELLED`, `STEP_TIMED_OUT`, `CLAIM_ABORTED` or `STOPPED`. Pass it on.
   */
  readonly signal: AbortSignal;
  /** The same for every attempt of the step, and unique to it: pass it to services that take an idempotency key. */
  readonly idempotencyKey: string;
  /** A logger that names the step in all that it writes. */
  readonly log: Logger;
  /**
   * Gives the step back, uncharged, to run again later on any pod. It throws to leave the handler; should the handler
   * catch that, the step is given back all the same once it ends.
   */
  release(options?: ReleaseOptions): never;
}

/** Options of a step type. */
export interface StepTypeOptions {
  /** The handler is aborted after so many ms, and the attempt charged. `null`: never. Default: the queue's `timeoutMs`. */
  readonly timeoutMs?: number | null;
  /** Of steps submitted where this definition is known, and that say nothing else. Default: the queue's, 3. */
  readonly maxRetries?: number;
  /** Overrides parts of the queue's retry policy. */
  readonly retry?: Partial<RetryPolicy>;
  /** At most so many of this type at a time on one pod. Default: as many as there are slots. */
  readonly concurrency?: number;
}

/** The args that a submitter passes: the schema's input, or what the handler takes. */
export type SchemaInput<V, A> = V extends StandardSchemaV1 ? StandardSchemaV1.InferInput<V> : A;
/** The args that a handler gets: the schema's output, or what it says itself. */
export type SchemaOutput<V, A> = V extends StandardSchemaV1 ? StandardSchemaV1.InferOutput<V> : A;

/** A step type, made by {@link defineStep}. `A` is what a submitter passes, `R` what the handler returns. */
export interface StepDefinition<T extends string = string, A = unknown, R = unknown> extends StepTypeOptions {
  readonly type: T;
  /** @internal Carries the type of the args; never set. */
  readonly __in?: (args: A) => void;
  /** @internal Carries the type of the result; never set. */
  readonly __out?: () => R;
}

/** A definition as the library holds it: checked, frozen, types erased. */
export interface RegisteredStep extends StepTypeOptions {
  readonly type: string;
  readonly schema: StandardSchemaV1 | undefined;
  readonly run: (args: unknown, context: StepContext) => unknown;
}

/** The longest name of a step type, in characters. */
export const MAX_TYPE_LENGTH = 255;

/**
 * Defines a step type: its name, args and handler in one place, to be passed to `new FleetQ({ steps })`.
 *
 * @example
 * export const resize = defineStep({
 *   type: 'resize',
 *   timeoutMs: 30_000,
 *   async run(args: { file: string; width: number }, ctx) { … },
 * });
 * @throws ValidationError `STEP_TYPE_INVALID`
 */
export function defineStep<
  const T extends string,
  R,
  A = undefined,
  V extends StandardSchemaV1 | undefined = undefined,
>(
  definition: {
    readonly type: T;
    /** Any Standard Schema validator. What is stored is its input; the handler gets its output. */
    readonly args?: V;
    run(args: SchemaOutput<V, A>, context: StepContext): R | Promise<R>;
  } & StepTypeOptions &
    JsonGuard<SchemaInput<V, A>, 'args'> &
    JsonGuard<R, 'the result'>,
): StepDefinition<T, SchemaInput<V, A>, R> {
  checkDefinition(definition);
  return Object.freeze({ ...definition }) as StepDefinition<T, SchemaInput<V, A>, R>;
}

const RETRY_FIELDS: FieldChecks = {
  baseMs: milliseconds,
  capMs: milliseconds,
  factor: expecting('a number from 1 to 100', (value) => typeof value === 'number' && value >= 1 && value <= 100),
};

/** Checks a (partial) retry policy. */
export function checkRetry(value: unknown, field: string, code: 'OPTION_INVALID' | 'STEP_TYPE_INVALID'): void {
  checkFields(value, RETRY_FIELDS, code, field);
}

const FIELDS: FieldChecks = {
  type: name(MAX_TYPE_LENGTH),
  run: expecting('a function', (value) => typeof value === 'function'),
  args: expecting('a Standard Schema', isStandardSchema),
  timeoutMs: positiveMillisecondsOrNull,
  maxRetries: integer(0, 1_000_000),
  retry: (value, field) => checkRetry(value, field, 'STEP_TYPE_INVALID'),
  concurrency: integer(1, 100_000),
};

/** Checks and freezes a definition. @throws ValidationError `STEP_TYPE_INVALID` */
export function checkDefinition(definition: unknown): RegisteredStep {
  checkFields(definition, FIELDS, 'STEP_TYPE_INVALID', 'step');
  const { type, run, args, timeoutMs, maxRetries, retry, concurrency } = definition as StepTypeOptions & {
    type?: string;
    run?: RegisteredStep['run'];
    args?: StandardSchemaV1;
  };
  if (type === undefined || run === undefined) {
    throw new ValidationError(
      'STEP_TYPE_INVALID',
      type === undefined ? 'step.type' : 'step.run',
      `is missing in ${show(definition)}`,
    );
  }
  return Object.freeze({
    type,
    run: run.bind(definition),
    schema: args,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(maxRetries === undefined ? {} : { maxRetries }),
    ...(retry === undefined ? {} : { retry: Object.freeze({ ...retry }) }),
    ...(concurrency === undefined ? {} : { concurrency }),
  });
}

function isStandardSchema(value: unknown): boolean {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  const standard: unknown = (value as Record<string, unknown>)['~standard'];
  return (
    typeof standard === 'object' &&
    standard !== null &&
    typeof (standard as { validate?: unknown }).validate === 'function'
  );
}

/** What a schema made of the args, or what it had against them. */
export type Checked = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly problem: string };

/** Runs a schema over args. It may be asynchronous; a schema that throws or rejects counts as a refusal. */
export function checkArgs(schema: StandardSchemaV1, args: unknown): Checked | Promise<Checked> {
  try {
    const result = schema['~standard'].validate(args);
    return types.isPromise(result) ? result.then(checked, refused) : checked(result);
  } catch (error) {
    return refused(error);
  }
}

function checked(result: StandardSchemaV1.Result<unknown>): Checked {
  if (result.issues === undefined) return { ok: true, value: result.value };
  const problem = result.issues.slice(0, 5).map(issueText).join('; ');
  return { ok: false, problem: problem === '' ? 'refused by the schema' : problem };
}

function refused(error: unknown): Checked {
  return { ok: false, problem: `the schema threw: ${isError(error) ? asError(error).message : show(error)}` };
}

function issueText(issue: StandardSchemaV1.Issue): string {
  const path = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
  return path === '' ? issue.message : `${path}: ${issue.message}`;
}

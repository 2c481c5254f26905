/**
 * Defines and checks step types: a name, the schema of the args, options and the handler.
 *
 * Invariants: a checked definition is frozen, and its handler keeps its `this`. A schema that throws refuses the args.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { asError, isError, show, ValidationError } from '../errors.js';
import {
  checkFields,
  integer,
  milliseconds,
  name,
  expecting,
  positiveMillisecondsOrNull,
  type FieldChecks,
} from '../input/field-checks.js';
import { isThenable } from '../input/thenable.js';
import type { StepContext } from './handler-context.js';
import type { JsonGuard } from './json.js';
import type { StepDefinition, StepTypeOptions } from './type-map.js';

/** The args that a submitter passes: the schema's input, or the type of the handler's parameter. */
export type SchemaInput<V, A> = V extends StandardSchemaV1 ? StandardSchemaV1.InferInput<V> : A;
/** The args that a handler gets: the schema's output, or the type of its parameter. */
export type SchemaOutput<V, A> = V extends StandardSchemaV1 ? StandardSchemaV1.InferOutput<V> : A;

/** A definition as the library holds it: checked, frozen, types erased. */
export interface RegisteredStep extends StepTypeOptions {
  readonly type: string;
  readonly schema: StandardSchemaV1 | undefined;
  readonly run: (args: unknown, context: StepContext) => unknown;
}

/** The longest name of a step type, in characters. */
export const MAX_TYPE_LENGTH = 255;

/**
 * Defines a step type: its name, args, options and handler in one place. Pass it to `new FleetQ({ steps })`, to
 * `queue.register` and to `queue.submit`.
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
    /** Any Standard Schema validator. Its input is stored; the handler gets its output. */
    readonly args?: V;
    run(args: SchemaOutput<V, A>, context: StepContext): R | Promise<R>;
  } & StepTypeOptions &
    JsonGuard<SchemaInput<V, A>, 'args'> &
    JsonGuard<R, 'the result'>,
): StepDefinition<T, SchemaInput<V, A>, R> {
  checkDefinition(definition);
  return Object.freeze({ ...definition }) as unknown as StepDefinition<T, SchemaInput<V, A>, R>;
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

/** Definitions that were checked before. Only frozen ones: others may change. */
const CHECKED = new WeakMap<object, RegisteredStep>();

/** Whether this is a definition, and not a step to be submitted: it has a handler. */
export function isDefinition(value: unknown): value is object {
  return typeof value === 'object' && value !== null && typeof (value as { run?: unknown }).run === 'function';
}

/** The same as {@link checkDefinition}, made once for each definition of `defineStep`. */
export function knownDefinition(definition: object): RegisteredStep {
  const known = CHECKED.get(definition);
  if (known !== undefined) return known;
  const checked = checkDefinition(definition);
  if (Object.isFrozen(definition)) CHECKED.set(definition, checked);
  return checked;
}

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

/** The schema's output, or why it refused the args. */
export type Checked = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly problem: string };

/** Validates args. A schema may be asynchronous. If it throws or rejects, the args are refused. */
export function checkArgs(schema: StandardSchemaV1, args: unknown): Checked | Promise<Checked> {
  try {
    const result = schema['~standard'].validate(args);
    return isThenable(result) ? checkedLater(result) : checked(result);
  } catch (error) {
    return refused(error);
  }
}

async function checkedLater(result: PromiseLike<StandardSchemaV1.Result<unknown>>): Promise<Checked> {
  try {
    return checked(await result);
  } catch (error) {
    return refused(error);
  }
}

function checked(result: StandardSchemaV1.Result<unknown>): Checked {
  if (typeof result !== 'object' || result === null || (result.issues === undefined && !('value' in result)))
    return { ok: false, problem: `the schema returned neither a value nor issues, got ${show(result)}` };
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

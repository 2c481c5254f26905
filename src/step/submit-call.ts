/**
 * The forms in which a step is submitted: `(step)`, or `(definition, args, options)`.
 *
 * Invariants: the second form becomes the first, together with its definition.
 */
import { types } from 'node:util';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { show, ValidationError } from '../errors.js';
import { checkArgs, isDefinition, knownDefinition, type Checked, type RegisteredStep } from './definition.js';
import { iterableOf } from '../input/field-checks.js';
import type { StepInput, SubmitOptions } from './step-input.js';
import { checkSubmitOptions, copyOptions, validateStep, type NewStep, type SubmissionRules } from './submission.js';

/** A step of a definition. */
export interface SubmitCall {
  readonly definition: RegisteredStep;
  readonly input: StepInput;
}

/** What makes the options of each step. */
export type OptionsFunction = (args: unknown, index: number) => unknown;

/** Steps of one definition. The inputs are made as they are read. */
export interface SubmitManyCall {
  readonly definition: RegisteredStep;
  readonly inputs: Iterable<StepInput>;
}

/**
 * `submit(definition, args, options)`.
 *
 * @returns `undefined` for the other form, `submit(step)`
 * @throws ValidationError `STEP_INVALID`, `STEP_TYPE_INVALID`
 */
export function submitCall(given: unknown, args: unknown, options: unknown): SubmitCall | undefined {
  if (!isDefinition(given)) {
    refuseMore(given, args, options);
    return undefined;
  }
  const definition = checkedDefinition(given);
  return { definition, input: inputOf(definition.type, args, checked(options, 'options')) };
}

/**
 * `submitMany(definition, argsList, options)`.
 *
 * @returns `undefined` for the other form, `submitMany(steps)`
 * @throws ValidationError `STEP_INVALID`, `STEP_TYPE_INVALID`
 */
export function submitManyCall(given: unknown, argsList: unknown, options: unknown): SubmitManyCall | undefined {
  if (!isDefinition(given)) {
    refuseMore(given, argsList, options);
    return undefined;
  }
  const definition = checkedDefinition(given);
  checkArgsList(argsList);
  const optionsOf = optionsOfEach(options);
  return { definition, inputs: inputsOf(argsList, (args, i) => inputOf(definition.type, args, optionsOf(args, i))) };
}

/** Limits and defaults of the queue that a step is submitted to. */
export type QueueLimits = Pick<SubmissionRules, 'maxPayloadBytes' | 'maxRetries'>;

/**
 * The step that the input becomes. If its type has a schema, that must accept the args: its input is stored, and its output
 * is made again before the handler runs.
 *
 * @throws ValidationError `STEP_INVALID`, `PAYLOAD_UNSERIALIZABLE`, `PAYLOAD_TOO_LARGE`
 */
export function checkStep(
  input: unknown,
  definition: RegisteredStep | undefined,
  limits: QueueLimits,
  newId: () => string,
  prefix: string,
): NewStep | Promise<NewStep> {
  const schema = definition?.schema;
  const rules = {
    maxPayloadBytes: limits.maxPayloadBytes,
    maxRetries: definition?.maxRetries ?? limits.maxRetries,
    hasSchema: schema !== undefined,
  };
  const step = validateStep(input, rules, newId, prefix);
  return schema === undefined ? step : checkedBySchema(step, schema, (input as StepInput).args, prefix);
}

function checkedBySchema(
  step: NewStep,
  schema: StandardSchemaV1,
  args: unknown,
  prefix: string,
): NewStep | Promise<NewStep> {
  const judge = (result: Checked): NewStep => {
    if (result.ok) return step;
    throw new ValidationError('STEP_INVALID', `${prefix}args`, `${result.problem}, got ${show(args)}`);
  };
  const result = checkArgs(schema, args);
  return types.isPromise(result) ? result.then(judge) : judge(result);
}

const iterable = iterableOf('args');

/** @throws ValidationError `STEP_INVALID` */
export function checkArgsList(argsList: unknown): asserts argsList is Iterable<unknown> {
  iterable(argsList, 'steps', 'STEP_INVALID'); // messages name its items steps[0], steps[1], …
}

function checked(options: unknown, field: string): SubmitOptions {
  if (options === undefined) return {};
  checkSubmitOptions(options, field);
  return options as SubmitOptions;
}

/** A definition that `defineStep` has not made is checked here. It may have been meant as a step. */
function checkedDefinition(given: object): RegisteredStep {
  try {
    return knownDefinition(given);
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    const problem = error.message.slice(`${error.field}: `.length);
    const hint = 'an object with a function `run` is taken for a step definition';
    throw new ValidationError(error.code, error.field, `${problem}; ${hint}`, { cause: error });
  }
}

/** The other form takes nothing more. */
function refuseMore(given: unknown, args: unknown, options: unknown): void {
  if (args === undefined && options === undefined) return;
  const problem = `expected what defineStep returned in front of args and options, got ${show(given)}`;
  throw new ValidationError('STEP_INVALID', 'definition', `${problem}. Without a definition, submit { type, args, … }`);
}

function optionsOfEach(options: unknown): (args: unknown, index: number) => SubmitOptions {
  if (typeof options === 'function') {
    return (args, i) => checked((options as OptionsFunction)(args, i), `options(…, ${i})`);
  }
  const shared = checked(options, 'options');
  refuseShared(shared, 'stepId');
  refuseShared(shared, 'idempotencyKey');
  return () => shared;
}

/** One id for many steps would make them one step. */
export function refuseShared(options: object, field: string): void {
  const value = (options as Record<string, unknown>)[field];
  if (value === undefined) return;
  const problem = `is for one step, got ${show(value)}; pass a function (args, index) => ({ ${field}: … })`;
  throw new ValidationError('STEP_INVALID', `options.${field}`, problem);
}

/** The steps of a list of args, each made when it is asked for. */
export function* inputsOf(
  argsList: Iterable<unknown>,
  inputAt: (args: unknown, index: number) => StepInput,
): Generator<StepInput> {
  let i = 0;
  for (const args of argsList) yield inputAt(args, i++);
}

/** Args that are `undefined` were left out. */
export function inputOf(type: string, args: unknown, options: SubmitOptions): StepInput {
  return copyOptions(options, args === undefined ? { type } : { type, args });
}

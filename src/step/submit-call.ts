/**
 * The forms in which a step is submitted: `(step)`, or `(definition, args, options)`.
 *
 * Invariants: the second form becomes the first, together with its definition. A handler's call becomes one with an id
 * that is the same in every run of that handler.
 */
import { types } from 'node:util';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { show, ValidationError } from '../errors.js';
import { checkArgs, isDefinition, knownDefinition, type Checked, type RegisteredStep } from './definition.js';
import { expecting, name, type FieldChecks } from '../input/field-checks.js';
import type { ChildOptions } from './handler-context.js';
import { childId } from './derived-step-id.js';
import { checkSubmitOptions, copyOptions, type NewStep, type StepInput, type SubmitOptions } from './submission.js';

/** A step of a definition. */
export interface SubmitCall {
  readonly definition: RegisteredStep;
  readonly input: StepInput;
}

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
  iterable(argsList, 'steps', 'STEP_INVALID'); // messages name its items steps[0], steps[1], …
  const optionsOf = optionsOfEach(options, checked);
  return { definition, inputs: inputs(definition.type, argsList as Iterable<unknown>, optionsOf) };
}

/**
 * The step, if the schema accepts its args. The schema's input is stored; its output is made again before the handler runs.
 *
 * @throws ValidationError `STEP_INVALID`
 */
export function checkedBySchema(
  step: NewStep,
  schema: StandardSchemaV1,
  args: unknown,
  prefix = '',
): NewStep | Promise<NewStep> {
  const judge = (result: Checked): NewStep => {
    if (result.ok) return step;
    throw new ValidationError('STEP_INVALID', `${prefix}args`, `${result.problem}, got ${show(args)}`);
  };
  const result = checkArgs(schema, args);
  return types.isPromise(result) ? result.then(judge) : judge(result);
}

/** Options of `ctx.submit`, as those of `queue.submit`. @throws ValidationError `STEP_INVALID` */
export function childOptions(
  parentId: string,
  given: unknown,
  args: unknown,
  options: unknown,
  fields = { args: 'args', options: 'options' },
): SubmitOptions {
  const { type } = knownDefinition(definitionOf(given));
  const all = checkedChild(options, fields.options);
  const { name: child } = all;
  const rest = copyOptions(all, {});
  if (rest.stepId !== undefined || rest.idempotencyKey !== undefined) {
    if (child === undefined) return rest;
    const other = rest.stepId === undefined ? 'idempotencyKey' : 'stepId';
    const problem = `cannot be given together with ${other}, got ${show(child)} and ${show(rest[other])}`;
    throw new ValidationError('STEP_INVALID', `${fields.options}.name`, problem);
  }
  return { ...rest, stepId: childId(parentId, type, child === undefined ? { args } : { name: child }, fields.args) };
}

/** Options of each step of `ctx.submitMany`, as those of `queue.submitMany`. @throws ValidationError `STEP_INVALID` */
export function childOptionsOfEach(
  parentId: string,
  given: unknown,
  options: unknown,
): (args: unknown, index: number) => SubmitOptions {
  definitionOf(given);
  if (typeof options === 'object' && options !== null) refuseShared(options, 'name');
  const optionsOf = optionsOfEach(options, checkedChild);
  return (args, i) =>
    childOptions(parentId, given, args, optionsOf(args, i), { args: `steps[${i}].args`, options: `options(…, ${i})` });
}

const iterable = expecting(
  'an iterable of args',
  (value) => typeof value === 'object' && value !== null && Symbol.iterator in value,
);
const CHILD_FIELDS: FieldChecks = { name: name(1_024) };

function checked(options: unknown, field: string): SubmitOptions {
  if (options === undefined) return {};
  checkSubmitOptions(options, field);
  return options as SubmitOptions;
}

function checkedChild(options: unknown, field: string): ChildOptions {
  if (options === undefined) return {};
  checkSubmitOptions(options, field, CHILD_FIELDS);
  return options as ChildOptions;
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

function definitionOf(given: unknown): object {
  if (isDefinition(given)) return given;
  throw new ValidationError('STEP_INVALID', 'definition', `expected what defineStep returned, got ${show(given)}`);
}

/** The other form takes nothing more. */
function refuseMore(given: unknown, args: unknown, options: unknown): void {
  if (args === undefined && options === undefined) return;
  const problem = `expected what defineStep returned in front of args and options, got ${show(given)}`;
  throw new ValidationError('STEP_INVALID', 'definition', `${problem}. Without a definition, submit { type, args, … }`);
}

function optionsOfEach<O extends SubmitOptions>(
  options: unknown,
  check: (options: unknown, field: string) => O,
): (args: unknown, index: number) => O {
  if (typeof options === 'function') {
    return (args, i) => check((options as (args: unknown, index: number) => unknown)(args, i), `options(…, ${i})`);
  }
  const shared = check(options, 'options');
  refuseShared(shared, 'stepId');
  refuseShared(shared, 'idempotencyKey');
  return () => shared;
}

/** One id for many steps would make them one step. */
function refuseShared(options: object, field: string): void {
  const value = (options as Record<string, unknown>)[field];
  if (value === undefined) return;
  const problem = `is for one step, got ${show(value)}; pass a function (args, index) => ({ ${field}: … })`;
  throw new ValidationError('STEP_INVALID', `options.${field}`, problem);
}

function* inputs(
  type: string,
  argsList: Iterable<unknown>,
  optionsOf: (args: unknown, index: number) => SubmitOptions,
): Generator<StepInput> {
  let i = 0;
  for (const args of argsList) yield inputOf(type, args, optionsOf(args, i++));
}

/** Args that are `undefined` were left out. */
function inputOf(type: string, args: unknown, options: SubmitOptions): StepInput {
  return copyOptions(options, args === undefined ? { type } : { type, args });
}

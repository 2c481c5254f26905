/**
 * The steps that a handler submits with `ctx.submit` and `ctx.submitMany`.
 *
 * Invariants:
 * - The id of such a step is the same in every run of its handler: it is made from the parent's id, the type, and a name or
 *   the args. If it is made from the args, the payload holds their canonical text, so that the same args are the same step.
 * - Options for all steps of a call are checked once.
 */
import { show, ValidationError } from '../errors.js';
import { name, type FieldChecks } from '../input/field-checks.js';
import { isDefinition, knownDefinition, type RegisteredStep } from './definition.js';
import { canonicalArgs, childId } from './derived-step-id.js';
import type { ChildOptions } from './handler-context.js';
import { withIdSource, type IdSource } from './id-source.js';
import {
  checkArgsList,
  inputOf,
  inputsOf,
  refuseShared,
  type OptionsFunction,
  type SubmitCall,
  type SubmitManyCall,
} from './submit-call.js';
import type { StepInput } from './step-input.js';
import { checkSubmitOptions } from './submission.js';

/** `ctx.submit(definition, args, options)` of the step `parentId`. @throws ValidationError `STEP_INVALID` */
export function childCall(parentId: string, given: unknown, args: unknown, options: unknown): SubmitCall {
  const definition = definitionOf(given);
  const child = new Child(parentId, definition.type, 'options', options);
  return { definition, input: child.input(args, 'args') };
}

/** `ctx.submitMany(definition, argsList, options)` of the step `parentId`. @throws ValidationError `STEP_INVALID` */
export function childrenCall(parentId: string, given: unknown, argsList: unknown, options: unknown): SubmitManyCall {
  const definition = definitionOf(given);
  checkArgsList(argsList);
  const childAt = childOfEach(parentId, definition.type, options);
  return { definition, inputs: inputsOf(argsList, (args, i) => childAt(args, i).input(args, `steps[${i}].args`)) };
}

function childOfEach(parentId: string, type: string, options: unknown): (args: unknown, index: number) => Child {
  if (typeof options === 'function') {
    return (args, i) => new Child(parentId, type, `options(…, ${i})`, (options as OptionsFunction)(args, i));
  }
  const shared = new Child(parentId, type, 'options', options);
  for (const field of ['name', 'stepId', 'idempotencyKey']) refuseShared(options ?? {}, field);
  return () => shared;
}

const CHILD_FIELDS: FieldChecks = { name: name(1_024) };

/** A child without its args: what all children of the same options have in common. */
class Child {
  readonly #parentId: string;
  readonly #step: StepInput;
  readonly #name: string | undefined;
  /** The path of the options in messages. */
  readonly #field: string;

  constructor(parentId: string, type: string, field: string, options: unknown = {}) {
    checkSubmitOptions(options, field, CHILD_FIELDS);
    const { name: child } = options as ChildOptions;
    const step = inputOf(type, undefined, options as ChildOptions);
    this.#parentId = parentId;
    this.#step = step;
    this.#name = child;
    this.#field = field;
    const other = step.stepId === undefined ? 'idempotencyKey' : 'stepId';
    if (child === undefined || step[other] === undefined) return;
    const problem = `cannot be given together with ${other}, got ${show(child)} and ${show(step[other])}`;
    throw new ValidationError('STEP_INVALID', `${field}.name`, problem);
  }

  /** @param argsField the path of the args in messages */
  input(args: unknown, argsField: string): StepInput {
    const step = args === undefined ? this.#step : { ...this.#step, args };
    if (step.stepId !== undefined || step.idempotencyKey !== undefined) return step;
    const source = this.#source(args, argsField);
    return withIdSource({ ...step, stepId: childId(this.#parentId, step.type, source) }, source);
  }

  #source(args: unknown, argsField: string): IdSource {
    if (this.#name !== undefined) return { name: this.#name, field: `${this.#field}.name` };
    return { argsText: canonicalArgs(args, argsField) };
  }
}

function definitionOf(given: unknown): RegisteredStep {
  if (isDefinition(given)) return knownDefinition(given);
  throw new ValidationError('STEP_INVALID', 'definition', `expected what defineStep returned, got ${show(given)}`);
}

/** Checks what is passed to the methods of a test fleet. Nothing has happened when they throw. */
import { nearest, show, ValidationError } from '../errors.js';
import { boolean, checkFields, expecting, integer, milliseconds, name, oneOfWords } from '../input/field-checks.js';
import { checkDefinition, isDefinition, MAX_TYPE_LENGTH } from '../step/definition.js';
import type { AddPodOptions, CrashDuringOptions, DrainOptions } from './fleet-interface.js';

const listOf = (expected: string, test: (value: unknown) => boolean) =>
  expecting(expected, (value) => Array.isArray(value) && value.every(test));

const DRAIN = {
  untilStep: name(255),
  ignore: listOf('an array of step types', (value) => typeof value === 'string'),
  withinMs: milliseconds,
  whileRunning: boolean,
};
const CRASH_DURING = { at: oneOfWords('start', 'end'), times: integer(1, 1_000), restart: boolean };
const ADD_POD = { podId: name(200), steps: listOf('an array of step definitions', isDefinition) };

export function checkDrain(options: DrainOptions): void {
  checkFields(options, DRAIN, 'OPTION_INVALID', 'options');
}

export function checkCrashDuring(options: CrashDuringOptions): void {
  checkFields(options, CRASH_DURING, 'OPTION_INVALID', 'options');
}

/** @param taken the names of the other pods */
export function checkAddPod(options: AddPodOptions, taken: readonly string[]): void {
  checkFields(options, ADD_POD, 'OPTION_INVALID', 'options');
  for (const definition of options.steps ?? []) checkDefinition(definition);
  const { podId } = options;
  if (podId !== undefined && taken.includes(podId))
    throw new ValidationError('OPTION_INVALID', 'options.podId', `${show(podId)} is another pod of this fleet`);
}

/** The step type that is meant. @param known if given, the type must be one of these */
export function typeOf(of: unknown, known?: readonly string[]): string {
  const type: unknown = isDefinition(of) ? (of as { readonly type?: unknown }).type : of;
  if (typeof type !== 'string' || type.length === 0 || type.length > MAX_TYPE_LENGTH)
    throw new ValidationError('OPTION_INVALID', 'of', `expected a step type or its definition, got ${show(of)}`);
  if (known === undefined || known.includes(type)) return type;
  const near = nearest(type, known);
  const hint = near === undefined ? '' : `; did you mean ${show(near)}?`;
  throw new ValidationError('STEP_TYPE_UNKNOWN', 'of', `no pod of this fleet handles ${show(type)}${hint}`);
}

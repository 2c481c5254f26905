/** What the library made a step's id from, if a handler submits the step. It is no field of the input, so no copy has it. */
import type { StepInput } from './step-input.js';

/** A name that the handler gave, or the args, as their canonical JSON text. */
export type IdSource =
  | {
      readonly name: string;
      /** The path of the name in messages. */
      readonly field: string;
    }
  | { readonly argsText: string };

const SOURCES = new WeakMap<StepInput, IdSource>();

/** The input, whose `stepId` was made from this source. */
export function withIdSource(input: StepInput, source: IdSource): StepInput {
  SOURCES.set(input, source);
  return input;
}

/** `undefined`: the caller gave the id, or a key that it is made from. */
export function idSourceOf(input: StepInput): IdSource | undefined {
  return input.stepId === undefined ? undefined : SOURCES.get(input);
}

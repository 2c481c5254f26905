/** Types only: how a queue's step types accumulate, and what can be inferred from them. */
import type { StepDefinition } from './definition.js';

declare const RESULT: unique symbol;

/** A step's id that remembers, for the compiler alone, what the step returns. At run time it is a plain string. */
export type StepId<R = unknown> = string & { readonly [RESULT]?: () => R };

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a definition of any args and result: inference needs both ways
export type AnyDefinition = StepDefinition<string, any, any>;

/** The map of step types that a list of definitions makes. */
export type StepsIn<L extends readonly AnyDefinition[]> = {
  [D in L[number] as D['type']]: D extends StepDefinition<string, infer A, infer R> ? { args: A; result: R } : never;
};

/** Each type of a list, with the places at which it stands. */
type Places<L extends readonly AnyDefinition[]> = { [I in keyof L & `${number}` as L[I]['type']]: I };
type IsUnion<T, Whole = T> = T extends Whole ? ([Whole] extends [T] ? false : true) : never;

/** The types that a list names twice; `never`: none. */
type Twice<L extends readonly AnyDefinition[], P = Places<L>> = {
  [T in keyof P & string]: IsUnion<P[T]> extends false ? never : T;
}[keyof P & string];

/** `unknown` where no type of the list stands twice, and else a type that says which one does. */
export type NoneTwice<L extends readonly AnyDefinition[]> = [Twice<L>] extends [never]
  ? unknown
  : { [K in `step type '${Twice<L>}' is registered twice`]: never };

/** `unknown` where the queue does not know the type yet, and else a type that says so. */
export type NotYet<S, T extends string> = T extends keyof S
  ? { [K in `step type '${T}' is registered twice`]: never }
  : unknown;

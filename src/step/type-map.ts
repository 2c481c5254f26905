/** Step types, for the compiler: what a definition carries, how the types of a queue accumulate. Types only. */
import type { RetryPolicy } from './retry.js';

declare const RESULT: unique symbol;

/** A step's id that remembers, for the compiler alone, what the step returns. At run time it is a plain string. */
export type StepId<R = unknown> = string & { readonly [RESULT]?: () => R };

/** Options of a step type. */
export interface StepTypeOptions {
  /**
   * The handler is aborted after this time, in ms, and the attempt is charged. `null`: never. Default: the queue's
   * `timeoutMs`.
   */
  readonly timeoutMs?: number | null;
  /** For steps that are submitted where this definition is known, and that state no own. Default: the queue's, 3. */
  readonly maxRetries?: number;
  /** Overrides parts of the queue's retry policy. */
  readonly retry?: Partial<RetryPolicy>;
  /** How many steps of this type run at the same time on one pod. Default: as many as the queue's `concurrency`. */
  readonly concurrency?: number;
}

/** A step type, made by `defineStep`. `A` is what a submitter passes, `R` what the handler returns. */
export interface StepDefinition<T extends string = string, A = unknown, R = unknown> extends StepTypeOptions {
  readonly type: T;
  /** The handler. Its args are what the schema makes of `A`. */
  readonly run: (...args: never) => unknown;
  /** @internal Carries the type of the args; never set. */
  readonly __in?: (args: A) => void;
  /** @internal Carries the type of the result; never set. */
  readonly __out?: () => R;
}

/** What follows a definition: the args, which may be left out if the handler takes none, then the options. */
export type ArgsThenOptions<A, Options> = undefined extends A
  ? [args?: A, options?: Options]
  : [args: A, options?: Options];

/** Options for all steps of a list, or a function that makes those of each. `OfOne` are for a single step. */
export type OptionsOfEach<A, Options, OfOne extends keyof Options = never> =
  | (Omit<Options, OfOne | 'stepId' | 'idempotencyKey'> & {
      readonly [K in OfOne | 'stepId' | 'idempotencyKey']?: never;
    })
  | ((args: A, index: number) => Options);

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a definition of any args and result: inference needs both ways
export type AnyDefinition = StepDefinition<string, any, any>;

/** The map of step types that a list of definitions makes. */
export type StepsIn<L extends readonly AnyDefinition[]> = {
  [D in L[number] as D['type']]: D extends StepDefinition<string, infer A, infer R> ? { args: A; result: R } : never;
};

/** Each type of a list, with the indices at which it occurs. */
type Places<L extends readonly AnyDefinition[]> = { [I in keyof L & `${number}` as L[I]['type']]: I };
type IsUnion<T, Whole = T> = T extends Whole ? ([Whole] extends [T] ? false : true) : never;

/** The types that a list names twice; `never` if there are none. */
type Twice<L extends readonly AnyDefinition[], P = Places<L>> = {
  [T in keyof P & string]: IsUnion<P[T]> extends false ? never : T;
}[keyof P & string];

/** `unknown` if no type of the list occurs twice, otherwise a type whose name says which one does. */
export type NoneTwice<L extends readonly AnyDefinition[]> = [Twice<L>] extends [never]
  ? unknown
  : { [K in `step type '${Twice<L>}' is registered twice`]: never };

/** `unknown` if the queue does not know the type yet, otherwise a type whose name says that it does. */
export type NotYet<S, T extends string> = T extends keyof S
  ? { [K in `step type '${T}' is registered twice`]: never }
  : unknown;

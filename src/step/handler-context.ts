/** The context that a handler gets beside its args. Types only. */
import type { Logger } from '../log.js';
import type { Metadata } from './step.js';
import type { SubmitOptions } from './step-input.js';
import type { ArgsThenOptions, OptionsOfEach, StepDefinition, StepId } from './type-map.js';

/** How `ctx.release` gives a step back. */
export interface ReleaseOptions {
  /** How long until the step is due again, in ms. Default 5,000. */
  readonly delayMs?: number;
}

/** How `ctx.submit` submits a step. */
export interface ChildOptions extends SubmitOptions {
  /**
   * Tells the steps apart that one handler submits: the new step's id is made from the id of the running step, the type
   * and this name. Default: the args, so the same type and args are the same step. Not together with `stepId` or
   * `idempotencyKey`, which say themselves what is the same step.
   */
  readonly name?: string;
}

/** What a handler gets beside its args. Its methods work without it: `({ n }, { submit, release }) => …`. */
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
  /** A logger that names the step in every line. */
  readonly log: Logger;
  /**
   * Gives the step back, uncharged, to run again later on any pod. It throws to leave the handler; if the handler catches
   * that, the step is given back all the same once the handler ends.
   */
  release(options?: ReleaseOptions): never;
  /**
   * Submits a step of another type, or of the same one. If the handler runs again (a retry, a crash, a retry by hand), the
   * same call makes no second step: the id is made from this step's id and `name`, or the type and the args. That holds as
   * long as the new step is kept, until `retentionMs` after its end. If a later run gives the same `name` and other args,
   * the first step stays as it is, and a warning is logged.
   *
   * Two calls of one run with the same type and args are one step, too. To submit two, give each a `name`. The step is
   * submitted at once, not when the handler succeeds. It works as long as `queue.submit` does, also while the queue drains.
   *
   * A handler that submits its own type states its return type; otherwise TypeScript cannot infer it.
   *
   * @example
   * const id = await ctx.submit(thumbnail, { file: args.file, width: 200 });
   * @throws ValidationError, StoreError, StoppedError as `queue.submit` does
   */
  submit<A, R>(
    definition: StepDefinition<string, A, R>,
    ...rest: ArgsThenOptions<NoInfer<A>, ChildOptions>
  ): Promise<StepId<R>>;
  /**
   * Submits many steps of one type, each with an id as `submit` makes it. Options are for all steps, or made for each by a
   * function. A `name` is for one step, so it comes from the function.
   *
   * @example
   * await ctx.submitMany(resize, files.map((file) => ({ file })), { priority: 5 });
   * @throws ValidationError, SubmitIncompleteError, StoppedError as `queue.submitMany` does
   */
  submitMany<A, R>(
    definition: StepDefinition<string, A, R>,
    argsList: Iterable<NoInfer<A>>,
    options?: OptionsOfEach<NoInfer<A>, ChildOptions, 'name'>,
  ): Promise<StepId<R>[]>;
}

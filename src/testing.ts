/**
 * `fleet-q/testing`: what tests of a host application need.
 *
 * {@link runStep} runs one handler as a pod would, without a queue. {@link testContext} records what a handler submits.
 * {@link VirtualRuntime} is a clock that a test turns by hand.
 *
 * @module fleet-q/testing
 */
import { FleetQError } from './errors.js';
import { createLog } from './log.js';
import { checkArgs, checkDefinition } from './step/definition.js';
import type { StepContext } from './step/handler-context.js';
import { validateStep, type StepInput } from './step/submission.js';
import {
  checkedBySchema,
  childOptions,
  childOptionsOfEach,
  submitCall,
  submitManyCall,
  type SubmitCall,
} from './step/submit-call.js';
import type { ArgsThenOptions, StepDefinition } from './step/type-map.js';

export { VirtualRuntime, type VirtualRuntimeOptions } from './runtime/virtual-runtime.js';

/** What a test may set of the context that a handler gets. */
export type TestContext = Partial<Omit<StepContext, 'release'>>;

/** A step that a handler has submitted. */
export type SubmittedStep = StepInput & { readonly stepId: string };

/** A handler's context that records. */
export interface RecordingContext extends StepContext {
  /** What the handler has submitted so far, each step once, in the order of the calls. */
  readonly submitted: readonly SubmittedStep[];
}

/** Thrown by `ctx.release()` under {@link runStep}: the handler gave its step back. */
export class StepReleasedError extends Error {
  override readonly name = 'StepReleasedError';
  /** How long until the step would run again, in ms. */
  readonly delayMs: number;
  constructor(delayMs: number) {
    super(`the handler released its step for ${delayMs} ms`);
    this.delayMs = delayMs;
  }
}

/**
 * A handler's context for tests, with `given` in place of the defaults. `submit` and `submitMany` check their input as a
 * queue would, with the default limits, and record it.
 *
 * @example
 * const context = testContext();
 * await runStep(importFile, { file: 'a.csv' }, context);
 * expect(context.submitted).toMatchObject([{ type: 'import_row', args: { row: 1 } }]);
 */
export function testContext(given: TestContext = {}): RecordingContext {
  const stepId = given.stepId ?? 'step-1';
  const submitted: SubmittedStep[] = [];
  return {
    stepId,
    type: 'test',
    attempt: 1,
    maxRetries: 3,
    metadata: {},
    podId: 'test-pod',
    signal: new AbortController().signal,
    idempotencyKey: stepId,
    log: createLog('test'),
    release: ({ delayMs = 5_000 } = {}) => {
      throw new StepReleasedError(delayMs);
    },
    submit: async (definition, ...[args, options]: readonly unknown[]) => {
      const call = submitCall(definition, args, childOptions(stepId, definition, args, options));
      return call === undefined ? stepId : record(submitted, call, '');
    },
    submitMany: async (definition, argsList, options) => {
      const call = submitManyCall(definition, argsList, childOptionsOfEach(stepId, definition, options));
      if (call === undefined) return [];
      const ids: Promise<string>[] = [];
      for (const input of call.inputs) {
        ids.push(record(submitted, { definition: call.definition, input }, `steps[${ids.length}].`));
      }
      return Promise.all(ids);
    },
    submitted,
    ...given,
  };
}

/** The default limits of a queue. */
const LIMITS = { maxPayloadBytes: 262_144, maxRetries: 3 };

/** Checks a step as a queue would, and adds it to what has been submitted, unless it is there. */
async function record(submitted: SubmittedStep[], { definition, input }: SubmitCall, prefix: string): Promise<string> {
  const { schema } = definition;
  const step = validateStep(
    input,
    { ...LIMITS, hasSchema: schema !== undefined },
    () => `step-${submitted.length + 2}`,
    prefix,
  );
  if (schema !== undefined) await checkedBySchema(step, schema, input.args, prefix);
  const { stepId } = step;
  if (!submitted.some((each) => each.stepId === stepId)) submitted.push({ ...input, stepId });
  return stepId;
}

/**
 * Runs the handler of `definition` once, as a pod would: the schema checks the args, and its output goes to the handler.
 *
 * @param context the result of {@link testContext}, or what to set of one
 * @example
 * expect(await runStep(resize, { file: 'a.png', width: 10 }, { attempt: 2 })).toEqual({ bytes: 123 });
 * @returns what the handler returned
 * @throws what the handler threw; `StepReleasedError` if it gave the step back; `FleetQError` `STEP_ARGS_MISMATCH` if the
 * schema refused the args
 */
export async function runStep<A, R>(
  definition: StepDefinition<string, A, R>,
  ...[args, context]: ArgsThenOptions<NoInfer<A>, TestContext>
): Promise<R> {
  const { type, schema, run } = checkDefinition(definition);
  const checked = schema === undefined ? { ok: true as const, value: args } : await checkArgs(schema, args);
  if (!checked.ok) throw new FleetQError('STEP_ARGS_MISMATCH', `args of ${type}: ${checked.problem}`);
  return (await run(checked.value, testContext({ ...context, type }))) as R;
}

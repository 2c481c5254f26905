/**
 * `fleet-q/testing`: helpers for the tests of a host application.
 *
 * {@link testFleet} makes a whole fleet with the real engine, a store in memory and a clock that the test moves. {@link runStep} runs one handler as a pod would, without a queue. {@link testContext} records what a handler submits.
 * {@link VirtualRuntime} is a clock that a test turns by hand.
 *
 * @module fleet-q/testing
 */
import { FleetQError, ValidationError } from './errors.js';
import { createLog } from './log.js';
import { checkArgs, checkDefinition } from './step/definition.js';
import type { StepContext } from './step/handler-context.js';
import { releaseDelay } from './step/release-delay.js';
import { excessOf, jsonText } from './step/json.js';
import { DEFAULT_LIMITS, RecordedSubmissions, type SubmittedStep } from './testing/recorded-submissions.js';
import type { ArgsThenOptions, StepDefinition } from './step/type-map.js';

export { testFleet } from './testing/test-fleet.js';
export type { TestFleetOptions } from './testing/fleet-options.js';
export type { AddPodOptions, CrashDuringOptions, Drained, DrainOptions, TestFleet } from './testing/fleet-interface.js';
export { FleetStuckError, type LeftStep, type StuckReason } from './testing/fleet-stuck-error.js';
export type { TestRun } from './testing/handler-run.js';
export type { MoveOptions, TestClock } from './testing/test-clock.js';
export type { CrashOptions, TestPod } from './testing/test-pod.js';
export type { SubmittedStep } from './testing/recorded-submissions.js';
export { VirtualRuntime, type VirtualRuntimeOptions } from './runtime/virtual-runtime.js';

/** The parts of a handler's context that a test may set. */
export type TestContext = Partial<Omit<StepContext, 'release'>>;

/** A handler's context that records. */
export interface RecordingContext extends StepContext {
  /** The steps that the handler has submitted so far, each once, in the order of the calls. */
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
 * queue would, with the default limits, and record what it would store. `release` checks its options as a pod would.
 *
 * @example
 * const context = testContext();
 * await runStep(importFile, { file: 'a.csv' }, context);
 * expect(context.submitted).toMatchObject([{ type: 'import_row', args: { row: 1 } }]);
 */
export function testContext(given: TestContext = {}): RecordingContext {
  const stepId = given.stepId ?? 'step-1';
  const submissions = new RecordedSubmissions(stepId);
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
    release: (options) => {
      throw new StepReleasedError(releaseDelay(options));
    },
    submit: (definition, ...[args, options]: readonly unknown[]) => submissions.submit(definition, args, options),
    submitMany: (definition, argsList, options) => submissions.submitMany(definition, argsList, options),
    submitted: submissions.steps,
    ...given,
  };
}

/**
 * Runs the handler of `definition` once, as a pod would: the schema checks the args, and its output goes to the handler.
 *
 * @param context the result of {@link testContext}, or what to set of one
 * @example
 * expect(await runStep(resize, { file: 'a.png', width: 10 }, { attempt: 2 })).toEqual({ bytes: 123 });
 * @returns the result of the handler
 * @throws the handler's error; `StepReleasedError` if it gave the step back; `FleetQError` `STEP_ARGS_MISMATCH` if the
 * schema refused the args; `ValidationError` `RESULT_UNSERIALIZABLE` if JSON cannot carry the result, `RESULT_TOO_LARGE`
 * if it exceeds the default `maxPayloadBytes`
 */
export async function runStep<A, R>(
  definition: StepDefinition<string, A, R>,
  ...[args, context]: ArgsThenOptions<NoInfer<A>, TestContext>
): Promise<R> {
  const { type, schema, run } = checkDefinition(definition);
  const checked = schema === undefined ? { ok: true as const, value: args } : await checkArgs(schema, args);
  if (!checked.ok) throw new FleetQError('STEP_ARGS_MISMATCH', `args of ${type}: ${checked.problem}`);
  const result = await run(checked.value, testContext({ ...context, type }));
  if (result !== undefined) checkResult(result);
  return result as R;
}

/** Refuses a result that a pod would not store. */
function checkResult(result: unknown): void {
  const text = jsonText(result, { field: 'result', code: 'RESULT_UNSERIALIZABLE' });
  const excess = excessOf(text, DEFAULT_LIMITS.maxPayloadBytes);
  if (excess !== undefined) throw new ValidationError('RESULT_TOO_LARGE', 'result', excess);
}

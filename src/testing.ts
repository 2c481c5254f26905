/**
 * `fleet-q/testing`: what tests of a host application need.
 *
 * {@link runStep} runs one handler as a pod would, without a queue; {@link VirtualRuntime} is a clock that a test turns
 * by hand.
 *
 * @module fleet-q/testing
 */
import { FleetQError } from './errors.js';
import { createLog } from './log.js';
import { checkArgs, checkDefinition, type StepContext, type StepDefinition } from './step/definition.js';

export { VirtualRuntime, type VirtualRuntimeOptions } from './runtime/virtual-runtime.js';

/** What a test may say about the context that a handler gets. */
export type TestContext = Partial<Omit<StepContext, 'release'>>;

/** Thrown by `ctx.release()` under {@link runStep}: the handler gave its step back. */
export class StepReleasedError extends Error {
  override readonly name = 'StepReleasedError';
  /** After how many ms the step would run again. */
  readonly delayMs: number;
  constructor(delayMs: number) {
    super(`the handler released its step for ${delayMs} ms`);
    this.delayMs = delayMs;
  }
}

/** A handler's context for tests, with `given` in place of the defaults. */
export function testContext(given: TestContext = {}): StepContext {
  const stepId = given.stepId ?? 'step-1';
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
    ...given,
  };
}

/**
 * Runs the handler of `definition` once, as a pod would: the schema checks the args, and its output goes to the handler.
 *
 * @example
 * expect(await runStep(resize, { file: 'a.png', width: 10 }, { attempt: 2 })).toEqual({ bytes: 123 });
 * @returns what the handler returned
 * @throws what the handler threw; `StepReleasedError` where it gave the step back; `FleetQError` `STEP_ARGS_MISMATCH` where
 * the schema refused the args
 */
export async function runStep<A, R>(
  definition: StepDefinition<string, A, R>,
  args: A,
  context: TestContext = {},
): Promise<R> {
  const { type, schema, run } = checkDefinition(definition);
  const checked = schema === undefined ? { ok: true as const, value: args } : await checkArgs(schema, args);
  if (!checked.ok) throw new FleetQError('STEP_ARGS_MISMATCH', `args of ${type}: ${checked.problem}`);
  return (await run(checked.value, testContext({ type, ...context }))) as R;
}

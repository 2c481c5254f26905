/** The step types of a simulated fleet, and what their handlers do: what the args of a step say. */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { PermanentFailureError, RetryLaterError } from '../../../src/errors.js';
import { sleep } from '../../../src/runtime/runtime.js';
import type { StepContext } from '../../../src/step/handler-context.js';
import type { StepTypeOptions } from '../../../src/step/type-map.js';
import type { Behaviour } from '../plan/plan.js';
import { submitMany, submitOne, waitForOne, waitForStranger } from './children.js';
import { ODD_ERRORS, ODD_RESULTS, oddly } from './odd-values.js';
import { SCHEMA } from './schemas.js';

/** `plain` has no limits, `single` runs one at a time on a pod, `timed` is aborted after a second. */
const OPTIONS: Readonly<Record<string, StepTypeOptions>> = {
  plain: {},
  single: { concurrency: 1 },
  timed: { timeoutMs: 1_000 },
  checked: { timeoutMs: null, maxRetries: 2, retry: { factor: 1.5 } },
};

export const TYPES: readonly string[] = Object.keys(OPTIONS);

/** The types of a backlog. */
export function manyTypes(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `m${String(i).padStart(3, '0')}`);
}

/** The largest payload and the largest result of a simulated queue. */
export const MOST_BYTES = 4_000;

/** A step that a handler submits by the queue of its pod. */
export interface SubmittedStep {
  readonly type: string;
  readonly args: unknown;
  readonly stepId?: string;
  readonly delayMs?: number;
}

/** The machine of the pod that runs the step. */
export interface Machine {
  readonly runtime: Parameters<typeof sleep>[0];
  /** Ends the process, as SIGKILL does. */
  kill(): void;
  /** Calls of the pod's own queue. */
  waitFor(stepId: string, signal: AbortSignal): Promise<unknown>;
  cancel(stepId: string): Promise<unknown>;
  submit(step: SubmittedStep): Promise<string>;
  /** A call that must be refused with this code. */
  misuse(code: string, call: () => Promise<unknown>): Promise<unknown>;
}

/** A definition of the type, with this handler. A `checked` step has args that a schema checks. */
export function definitionOf(
  type: string,
  run: (args: unknown, ctx: StepContext) => unknown,
): { readonly type: string; readonly args?: StandardSchemaV1; readonly run: typeof run } & StepTypeOptions {
  return { type, ...OPTIONS[type], ...(type === 'checked' ? { args: SCHEMA } : {}), run };
}

/** What a handler that does not wait throws or returns at once; `undefined` for any other. */
export function atOnce({ does, forMs, odd = 0 }: Behaviour): (() => unknown) | undefined {
  if (forMs > 5) return undefined;
  if (does === 'returns oddly') return () => oddly(ODD_RESULTS, odd);
  if (does !== 'throws oddly') return undefined;
  return () => {
    throw oddly(ODD_ERRORS, odd);
  };
}

/** @param nth how often the step has been run, this time included, by whatever pod */
export async function behave(behaviour: Behaviour, ctx: StepContext, machine: Machine, nth: number): Promise<unknown> {
  const { does, forMs, odd = 0, filler } = behaviour;
  const { runtime } = machine;
  if (does === 'hangs') {
    await new Promise<void>((resolve) => ctx.signal.addEventListener('abort', () => resolve(), { once: true }));
    throw ctx.signal.reason;
  }
  if (does === 'ignores its signal' || does === 'answers late') {
    await sleep(runtime, forMs);
    return odd % 2 === 1 ? undefined : { late: true };
  }
  if (does === 'returns what JSON cannot carry') return { big: 1n };
  if (does === 'returns too much') return 'x'.repeat(MOST_BYTES + 1);
  await sleep(runtime, forMs, ctx.signal);
  if (does === 'throws oddly') throw oddly(ODD_ERRORS, odd); // also after an abort
  ctx.signal.throwIfAborted();
  switch (does) {
    case 'returns':
      return { took: forMs, ...(filler === undefined ? {} : { filler }) };
    case 'throws':
    case 'throws once':
      if (does === 'throws' || nth === 1) throw new Error('the step throws');
      return null;
    case 'releases once':
      return nth === 1 ? ctx.release(odd % 2 === 1 ? undefined : { delayMs: 500 }) : null;
    case 'kills its pod':
    case 'kills its pod once':
      if (does === 'kills its pod' || nth === 1) machine.kill();
      return null;
    case 'fails permanently':
      throw new PermanentFailureError('the step fails permanently');
    case 'retries later':
      if (nth === 1) throw new RetryLaterError(400);
      return null;
    case 'submits another':
      return { child: await submitOne(ctx, odd) };
    case 'submits many':
      return { children: await submitMany(ctx, machine, odd) };
    case 'waits for another':
      return await waitForOne(ctx, machine);
    case 'waits for a stranger':
      return await waitForStranger(ctx, machine, odd);
    case 'cancels itself':
      await machine.cancel(ctx.stepId);
      return { attempt: ctx.attempt, of: ctx.maxRetries };
    case 'returns oddly':
      return oddly(ODD_RESULTS, odd);
  }
}

/** Whether what the handler threw is its release of the step. */
export function isRelease({ does }: Behaviour, nth: number, { signal }: StepContext): boolean {
  return does === 'releases once' && nth === 1 && !signal.aborted;
}

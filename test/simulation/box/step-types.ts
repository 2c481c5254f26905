/** The step types of a simulated fleet, and what their handlers do: what the args of a step say. */
import { PermanentFailureError, RetryLaterError } from '../../../src/errors.js';
import { sleep } from '../../../src/runtime/runtime.js';
import { defineStep } from '../../../src/step/definition.js';
import type { StepContext } from '../../../src/step/handler-context.js';
import type { StepTypeOptions } from '../../../src/step/type-map.js';
import type { Behaviour } from '../plan/plan.js';

/** `plain` has no limits, `single` runs one at a time on a pod, `timed` is aborted after a second. */
export const STEP_TYPES: Readonly<Record<string, StepTypeOptions>> = {
  plain: {},
  single: { concurrency: 1 },
  timed: { timeoutMs: 1_000 },
};

/** The largest payload and the largest result of a simulated queue. */
export const MOST_BYTES = 4_000;

/** What `submits another` submits: a type that every plan has a pod for. */
const CHILD = defineStep({ type: 'plain', run: () => null });

/** The machine of the pod that runs the step. */
export interface Machine {
  readonly runtime: Parameters<typeof sleep>[0];
  /** Ends the process, as SIGKILL does. */
  kill(): void;
}

/** @param nth how often the step has been run, this time included, by whatever pod */
export async function behave(
  { does, forMs }: Behaviour,
  ctx: StepContext,
  machine: Machine,
  nth: number,
): Promise<unknown> {
  const { runtime } = machine;
  switch (does) {
    case 'returns':
      await sleep(runtime, forMs, ctx.signal);
      ctx.signal.throwIfAborted();
      return { took: forMs };
    case 'throws':
    case 'throws once':
      await sleep(runtime, forMs, ctx.signal);
      ctx.signal.throwIfAborted();
      if (does === 'throws' || nth === 1) throw new Error('the step throws');
      return null;
    case 'hangs':
      await new Promise<void>((resolve) => ctx.signal.addEventListener('abort', () => resolve(), { once: true }));
      throw ctx.signal.reason;
    case 'ignores its signal':
    case 'answers late':
      await sleep(runtime, forMs);
      return { late: true };
    case 'releases once':
      await sleep(runtime, forMs, ctx.signal);
      ctx.signal.throwIfAborted();
      return nth === 1 ? ctx.release({ delayMs: 500 }) : null;
    case 'kills its pod':
    case 'kills its pod once':
      await sleep(runtime, forMs, ctx.signal);
      ctx.signal.throwIfAborted();
      if (does === 'kills its pod' || nth === 1) machine.kill();
      return null;
    case 'fails permanently':
      await sleep(runtime, forMs, ctx.signal);
      ctx.signal.throwIfAborted();
      throw new PermanentFailureError('the step fails permanently');
    case 'retries later':
      await sleep(runtime, forMs, ctx.signal);
      ctx.signal.throwIfAborted();
      if (nth === 1) throw new RetryLaterError(400);
      return null;
    case 'submits another':
      await sleep(runtime, forMs, ctx.signal);
      ctx.signal.throwIfAborted();
      return { child: await ctx.submit(CHILD, { does: 'returns', forMs } as never) };
    case 'returns what JSON cannot carry':
      return { big: 1n };
    case 'returns too much':
      return 'x'.repeat(MOST_BYTES + 1);
  }
}

/** Whether what the handler threw is its release of the step. */
export function isRelease({ does }: Behaviour, nth: number, { signal }: StepContext): boolean {
  return does === 'releases once' && nth === 1 && !signal.aborted;
}

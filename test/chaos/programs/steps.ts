/** The handlers of the workload. Each writes to the ledger that it has begun, and how it is about to end. */
import { setTimeout as pause } from 'node:timers/promises';
import { defineStep, PermanentFailureError, RetryLaterError, type StepContext, type StepTypeOptions } from 'fleet-q';
import type { Ledger } from '../ledger.js';
import { CONCURRENCY } from '../settings.js';
import { textOf, TIMEOUT_MS, type Args, type Result, type StepType } from '../workload.js';

type Work = (args: Args, ctx: StepContext) => string | Promise<string>;

/** The step definitions of one pod. @param life names the process in the ledgers */
export function stepsOf(ledger: Ledger, life: string) {
  let runs = 0;

  /** @param work returns the result's text */
  const step = <const T extends StepType>(type: T, work: Work, options: StepTypeOptions = {}) =>
    defineStep({
      type,
      ...options,
      ...(CONCURRENCY[type] === undefined ? {} : { concurrency: CONCURRENCY[type] }),
      run(args: Args, ctx): Result | Promise<Result> {
        const { stepId, attempt } = ctx;
        const run = `${life}/${++runs}`;
        ledger.write('began', { stepId, run, type, attempt });
        const returns = (text: string): Result => {
          ledger.write('ended', { stepId, run, how: 'returned', size: text.length });
          return type === 'odd' ? ({ odd: 1n } as unknown as Result) : { run, n: args.n, text };
        };
        const throws = (error: unknown): never => {
          ledger.write('ended', { stepId, run, how: (error as Error).name });
          throw error;
        };
        try {
          const text = work(args, ctx);
          return typeof text === 'string' ? returns(text) : text.then(returns, throws);
        } catch (error) {
          return throws(error);
        }
      },
    });

  return [
    step('quick', () => ''),
    step('sized', async ({ size, ms }, { signal }) => {
      await pause(ms, undefined, { signal });
      return textOf(size);
    }),
    step('flaky', async ({ failures = 0 }, { attempt }) => {
      if (attempt > failures) return '';
      if (attempt % 2 === 0) throw new RetryLaterError(30 * attempt);
      throw new Error(`attempt ${attempt} of ${failures} that fail`);
    }),
    step('doomed', () => {
      throw new PermanentFailureError('as it was asked to');
    }),
    step('odd', () => ''),
    step('slow', (args, ctx) => spend(args, ctx, ctx.signal), { timeoutMs: TIMEOUT_MS }),
    step('deaf', (args, ctx) => spend(args, ctx), { timeoutMs: TIMEOUT_MS }),
    step('shy', async ({ ms }, ctx) => {
      await pause(ms);
      return Math.random() < 0.5 ? ctx.release({ delayMs: Math.random() * 300 }) : '';
    }),
    step('single', async ({ ms }, { signal }) => {
      await pause(ms, undefined, { signal });
      return '';
    }),
    step('long', async ({ ms }, { signal }) => {
      await pause(ms, undefined, { signal });
      return '';
    }),
    step('heavy', ({ ms = 0 }) => {
      for (const end = performance.now() + ms; performance.now() < end;);
      return '';
    }),
  ] as const;
}

async function spend({ ms = 0 }: Args, { attempt }: StepContext, signal?: AbortSignal): Promise<string> {
  await pause(ms / attempt, undefined, signal === undefined ? {} : { signal });
  return '';
}

/**
 * The steps that handlers of a simulated fleet submit.
 *
 * Invariants: a handler that runs again submits the same steps.
 */
import { defineStep } from '../../../src/step/definition.js';
import type { StepContext } from '../../../src/step/handler-context.js';
import { WAITS_MS } from '../plan/patience.js';
import type { Machine, SubmittedStep } from './step-types.js';

/** Of a type that every plan has a pod for. */
const CHILD = defineStep({ type: 'plain', run: (_args: { does: string; forMs: number; odd?: number }) => null });

const WORK = { does: 'returns', forMs: 5 };
/** The same, with its keys in another order. */
const SAME = { forMs: 5, does: 'returns' };

type Submit = (ctx: StepContext) => Promise<unknown>;

const ONE: readonly Submit[] = [
  (ctx) => ctx.submit(CHILD, WORK),
  (ctx) => ctx.submit(CHILD, WORK, { name: 'named', metadata: { by: ctx.stepId }, priority: 2 }),
  (ctx) => ctx.submit(CHILD, WORK, { stepId: `${ctx.stepId}-child`, delayMs: 200 }),
  (ctx) => ctx.submit(CHILD, WORK, { idempotencyKey: ctx.stepId }),
  (ctx) => ctx.submit({ ...CHILD }, SAME),
  (ctx) => ctx.submit({ ...CHILD, type: 'timed', run: () => null } as never),
];

const MANY: readonly Submit[] = [
  (ctx) => ctx.submitMany(CHILD, [WORK, SAME, { ...WORK, forMs: 6 }]),
  (ctx) => ctx.submitMany(CHILD, [WORK, WORK], (_args, i) => ({ name: `child ${i}` })),
  (ctx) => ctx.submitMany(CHILD, [WORK, SAME], { priority: 1 }),
];

/** Refused before anything is written, with this error. */
const REFUSED: readonly (readonly [code: string, submit: Submit])[] = [
  ['STEP_INVALID', (ctx) => ctx.submit('plain' as never, WORK)],
  ['STEP_INVALID', (ctx) => ctx.submit(CHILD, WORK, { name: 'one', stepId: 'two' })],
  ['STEP_INVALID', (ctx) => ctx.submit(CHILD, WORK, { name: 'one', idempotencyKey: 'two' })],
  ['PAYLOAD_UNSERIALIZABLE', (ctx) => ctx.submit(CHILD, { big: 1n } as never)],
  ['STEP_INVALID', (ctx) => ctx.submitMany(CHILD, 7 as never)],
  ['STEP_INVALID', (ctx) => ctx.submitMany(CHILD, [WORK], { name: 'for all' } as never)],
  ['STEP_INVALID', (ctx) => ctx.submitMany(CHILD, [WORK, { ...WORK, odd: 1 }], () => ({ name: 'twice' }))],
  ['STEP_INVALID', (ctx) => ctx.submitMany(CHILD, [WORK, SAME], (_args, i) => ({ metadata: { i } }))],
  ['STEP_INVALID', (ctx) => ctx.submitMany(CHILD, [WORK, SAME], (_args, i) => ({ priority: i }))],
];

/** Submits one step, in a way that the number says. */
export async function submitOne(ctx: StepContext, odd: number): Promise<unknown> {
  ctx.log.info({ odd }, 'a handler submits a step');
  return ONE[odd % ONE.length]?.(ctx);
}

/** Submits several steps, after a call that is refused. */
export async function submitMany(ctx: StepContext, { misuse }: Machine, odd: number): Promise<unknown> {
  const [code, submit] = REFUSED[odd % REFUSED.length]!;
  await misuse(code, () => submit(ctx));
  return MANY[odd % MANY.length]?.(ctx);
}

/** Waits for a step that may need the slot of this handler. */
export async function waitForOne(ctx: StepContext, machine: Machine): Promise<unknown> {
  return waitPatiently(ctx, machine, await ctx.submit(CHILD, WORK, { name: 'awaited' }));
}

/** Longer than a handler waits: such a step needs no slot meanwhile. */
const LATER_MS = 30_000;

/** Steps that handlers submit by the queue: none of them is known to be a handler's own. */
const STRANGERS: readonly ((ctx: StepContext) => SubmittedStep)[] = [
  () => ({ type: 'plain', args: WORK }),
  ({ stepId }) => ({ type: 'plain', args: WORK, stepId: `${stepId}-strange` }),
  () => ({ type: 'plain', args: WORK, delayMs: LATER_MS }),
  () => ({ type: 'plain', args: WORK, stepId: 'awaited by all' }),
  () => ({ type: 'checked', args: { ...WORK, odd: 12 } }), // its schema answers later
];

/** Waits for a step of somebody else. */
export async function waitForStranger(ctx: StepContext, machine: Machine, odd: number): Promise<unknown> {
  const step = STRANGERS[odd % STRANGERS.length]!(ctx);
  return waitPatiently(ctx, machine, await machine.submit(step));
}

async function waitPatiently(ctx: StepContext, { runtime, waitFor }: Machine, stepId: string): Promise<unknown> {
  const patience = new AbortController();
  const timer = runtime.after(WAITS_MS, () => patience.abort());
  try {
    return await waitFor(stepId, AbortSignal.any([ctx.signal, patience.signal]));
  } finally {
    timer.cancel();
  }
}

import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { FleetQ } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { PermanentFailureError } from '../src/errors.js';
import { sleep } from '../src/runtime/runtime.js';
import { defineStep } from '../src/step/definition.js';
import { childId } from '../src/step/derived-step-id.js';
import { runStep, StepReleasedError, testContext, VirtualRuntime } from '../src/testing.js';

const double = defineStep({
  type: 'double',
  args: z.object({ n: z.coerce.number() }),
  run: ({ n }, ctx) => ({ doubled: 2 * n, attempt: ctx.attempt, type: ctx.type }),
});

describe('runStep', () => {
  it('runs a handler as a pod would: the output of the schema goes in, the result comes out', async () => {
    expect(await runStep(double, { n: '21' })).toEqual({ doubled: 42, attempt: 1, type: 'double' });
    expect(await runStep(double, { n: 1 }, { attempt: 3 })).toMatchObject({ attempt: 3 });
  });

  it('refuses args that the schema refuses', async () => {
    await expect(runStep(double, { n: 'many' })).rejects.toMatchObject({
      code: 'STEP_ARGS_MISMATCH',
      message: expect.stringContaining('n:'),
    });
  });

  it('passes on what the handler throws, and says that it gave its step back', async () => {
    const failing = defineStep({
      type: 'failing',
      run: () => {
        throw new PermanentFailureError('no');
      },
    });
    await expect(runStep(failing, undefined)).rejects.toThrow(PermanentFailureError);
    const releasing = defineStep({
      type: 'releasing',
      run: (delayMs: number | undefined, ctx) => ctx.release(delayMs === undefined ? {} : { delayMs }),
    });
    await expect(runStep(releasing, 70)).rejects.toEqual(new StepReleasedError(70));
    await expect(runStep(releasing, undefined)).rejects.toMatchObject({ name: 'StepReleasedError', delayMs: 5_000 });
  });

  it('lets a test abort, and turn the clock', async () => {
    const runtime = new VirtualRuntime();
    const patient = defineStep({
      type: 'patient',
      run: async (ms: number, { signal }) => {
        await sleep(runtime, ms, signal);
        return signal.aborted ? 'aborted' : 'slept';
      },
    });
    expect(await runtime.until(runStep(patient, 60_000))).toBe('slept');
    const controller = new AbortController();
    const run = runStep(patient, 60_000, { signal: controller.signal });
    await runtime.settle();
    controller.abort();
    expect(await run).toBe('aborted');
    expect(runtime.pending).toBe(0);
  });
});

describe('what a handler submits', () => {
  const row = defineStep({ type: 'row', args: z.object({ n: z.number() }), run: ({ n }) => n });
  const load = defineStep({
    type: 'load',
    run: async (n: number, ctx) => {
      const id = await ctx.submit(row, { n }, { priority: 2 });
      return [id, ...(await ctx.submitMany(row, [{ n: n + 1 }, { n }]))];
    },
  });

  it('is recorded, each step once', async () => {
    const context = testContext({ attempt: 2 });
    const [first, second, third] = await runStep(load, 1, context);
    expect(first).toBe(third);
    expect(context.submitted).toEqual([
      { stepId: first, type: 'row', args: { n: 1 }, priority: 2 },
      { stepId: second, type: 'row', args: { n: 2 } },
    ]);
    expect(context.type).toBe('test');
  });

  it('has the id that a queue would give it', async () => {
    const context = testContext({ stepId: 'parent' });
    await runStep(load, 1, context);
    await runStep(load, 1, context);
    expect(context.submitted).toHaveLength(2);
    expect(context.submitted[0]?.stepId).toBe(childId('parent', 'row', { argsText: '{"n":1}' }));
  });

  it('is checked as a queue does it', async () => {
    const context = testContext();
    await expect(context.submit(row, { n: 'x' as never })).rejects.toMatchObject({
      code: 'STEP_INVALID',
      field: 'args',
    });
    await expect(context.submitMany(row, [{ n: 1 }, {} as never])).rejects.toMatchObject({ field: 'steps[1].args' });
    await expect(context.submit(row, { n: 1 }, { priority: 0.5 })).rejects.toMatchObject({ field: 'options.priority' });
    await expect(context.submit({ type: 'row' } as never, {})).rejects.toMatchObject({ field: 'definition' });
  });
});

describe('the steps of a call', () => {
  const note = defineStep({ type: 'note', run: (args: { text: string; tags?: string[] }) => args.text });

  it('are checked as a whole before any is recorded', async () => {
    const context = testContext();
    const list = [{ text: 'a' }, { text: 1n as never }];
    await expect(context.submitMany(note, list)).rejects.toMatchObject({ field: 'steps[1].args.text' });
    expect(context.submitted).toEqual([]);
  });

  it('are refused if two different ones have one id, as a queue refuses them', async () => {
    const context = testContext();
    const queue = new FleetQ({ store: sqlite({ path: ':memory:' }), steps: [note] });
    const call = [note, [{ text: 'a' }, { text: 'b' }], () => ({ stepId: 'same' })] as const;
    const refused = { code: 'STEP_INVALID', field: 'steps[1].stepId' };
    await expect(queue.submitMany(...call)).rejects.toMatchObject(refused);
    await expect(context.submitMany(...call)).rejects.toMatchObject(refused);
    expect(context.submitted).toEqual([]);
    await queue.stop();
  });

  it('are recorded in the order of the calls, however long a schema takes', async () => {
    const patient = defineStep({
      type: 'patient',
      args: z.object({ ms: z.number() }).refine(async ({ ms }) => {
        await new Promise((resolve) => setTimeout(resolve, ms));
        return ms < 100;
      }),
      run: ({ ms }) => ms,
    });
    const context = testContext();
    const slow = context.submit(patient, { ms: 30 });
    const refused = context.submit(patient, { ms: 100 });
    const many = context.submitMany(note, [{ text: 'a' }, { text: 'b' }]);
    const list = context.submitted;
    await many;
    expect(list.map(({ type }) => type)).toEqual(['note', 'note']);
    await slow;
    await expect(refused).rejects.toMatchObject({ field: 'args' });
    expect(list.map(({ type }) => type)).toEqual(['patient', 'note', 'note']);
  });

  it('are recorded as they would be stored: a later change of the args does not show', async () => {
    const context = testContext();
    const args = { text: 'a', tags: ['x'] };
    const metadata = { by: { user: 'u' } };
    await context.submit(note, args, { metadata });
    args.tags.push('y');
    metadata.by.user = 'v';
    expect(context.submitted).toMatchObject([{ args: { text: 'a', tags: ['x'] }, metadata: { by: { user: 'u' } } }]);
  });
});

describe('what a pod refuses', () => {
  it('is refused of a result, too', async () => {
    const dated = defineStep({ type: 'dated', run: (): unknown => ({ at: new Date(0) }) });
    await expect(runStep(dated)).rejects.toMatchObject({ code: 'RESULT_UNSERIALIZABLE', field: 'result.at' });
    const long = defineStep({ type: 'long', run: () => 'x'.repeat(262_144) });
    await expect(runStep(long)).rejects.toMatchObject({
      code: 'RESULT_TOO_LARGE',
      message: 'result: has 262146 bytes of JSON, at most 262144 are allowed',
    });
    const none = defineStep({ type: 'none', run: () => undefined });
    await expect(runStep(none)).resolves.toBeUndefined();
  });

  it('is refused of a release, too', () => {
    const { release } = testContext();
    const refused = { code: 'STEP_INVALID', field: 'release.delayMs' };
    expect(() => release({ delayMs: -1 })).toThrow(expect.objectContaining(refused));
    expect(() => release({ delay: 5 } as never)).toThrow('release.delay: is not known; did you mean delayMs?');
    expect(() => {
      release();
    }).toThrow(new StepReleasedError(5_000));
  });
});

describe('testContext', () => {
  it('has all that a handler may ask for, and what the test says', () => {
    const context = testContext({ stepId: 'mine', metadata: { user: 'a' } });
    expect(context).toMatchObject({
      stepId: 'mine',
      idempotencyKey: 'mine',
      attempt: 1,
      maxRetries: 3,
      metadata: { user: 'a' },
    });
    expect(context.signal.aborted).toBe(false);
    context.log.info({}, 'a line');
  });
});

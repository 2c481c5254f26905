/** The guarantees of the public API's types, each compiled. */
import { describe, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import * as v from 'valibot';
import { type } from 'arktype';
import { defineStep, FleetQ, type AnyFleetQ, type StepId, type SerializedError, type StepsOf } from 'fleet-q';
import { runStep, testContext } from 'fleet-q/testing';
import type { DdlOptions, SnowflakeOptions, TableKind } from 'fleet-q/snowflake';

const resize = defineStep({
  type: 'resize',
  timeoutMs: 30_000,
  run: (args: { file: string; width: number }) => ({ bytes: args.width, file: args.file }),
});
const ping = defineStep({ type: 'ping', run: () => 'pong' as const });

describe('many files: the types of all steps are inferred', () => {
  const queue = new FleetQ({ steps: [resize, ping] });

  test('submit takes the args of the type and returns an id that carries the result', async () => {
    const id = await queue.submit({ type: 'resize', args: { file: 'a.png', width: 1 } });
    expectTypeOf(id).toEqualTypeOf<StepId<{ bytes: number; file: string }>>();
    expectTypeOf(id).toExtend<string>();
    expectTypeOf(await queue.waitFor(id)).toEqualTypeOf<{ bytes: number; file: string }>();
    expectTypeOf(await queue.waitFor(await queue.submit({ type: 'ping' }))).toEqualTypeOf<'pong'>();
  });

  test('an unknown type, wrong args, a missing or a misspelt field do not compile', () => {
    // @ts-expect-error -- no such type
    void queue.submit({ type: 'resise', args: { file: 'a', width: 1 } });
    // @ts-expect-error -- wrong args
    void queue.submit({ type: 'resize', args: { file: 'a', width: '1' } });
    // @ts-expect-error -- args are missing
    void queue.submit({ type: 'resize' });
    // @ts-expect-error -- did you mean priority?
    void queue.submit({ type: 'ping', priorty: 1 });
  });

  test('submitMany takes a mix of types, and its ids carry the results', async () => {
    const pongs = await queue.submitMany([1, 2].map(() => ({ type: 'ping' as const })));
    expectTypeOf(pongs).toEqualTypeOf<StepId<'pong'>[]>();
    const [first] = await queue.submitManyWithReceipts([{ type: 'ping' }]);
    expectTypeOf(first?.stepId).toEqualTypeOf<StepId<'pong'> | undefined>();
    expectTypeOf(first?.receipt).toEqualTypeOf<'created' | 'duplicate' | 'mismatch' | undefined>();
    void queue.submitMany([{ type: 'ping' }, { type: 'resize', args: { file: 'a', width: 2 }, delayMs: 5 }]);
    // @ts-expect-error -- args of another type
    void queue.submitMany([{ type: 'resize', args: 'a.png' }]);
  });

  test('events are flat: checking the type narrows args and result', () => {
    queue.on('step:completed', (event) => {
      if (event.type === 'resize') {
        expectTypeOf(event.result).toEqualTypeOf<{ bytes: number; file: string }>();
        expectTypeOf(event.args).toEqualTypeOf<{ file: string; width: number }>();
      } else {
        expectTypeOf(event.result).toEqualTypeOf<'pong'>();
      }
    });
    queue.on('pod:fenced', ({ reason }) => expectTypeOf(reason).toExtend<string>());
    // @ts-expect-error -- no such event
    queue.on('step:complete', () => undefined);
  });

  test('a type registered twice does not compile', () => {
    // @ts-expect-error -- step type 'resize' is registered twice
    void new FleetQ({ steps: [resize, ping, resize] });
    // @ts-expect-error -- step type 'ping' is registered twice
    queue.register(ping);
    // @ts-expect-error -- step type 'ping' is registered twice
    queue.register('ping', () => 1);
  });
});

describe('submit by definition', () => {
  test('types args and result by the definition alone, also on a queue that does not know it', async () => {
    const queue = new FleetQ<{ other: { args: undefined; result: null } }>();
    const id = await queue.submit(resize, { file: 'a', width: 1 }, { priority: 5 });
    expectTypeOf(id).toEqualTypeOf<StepId<{ bytes: number; file: string }>>();
    expectTypeOf(await queue.submit(ping)).toEqualTypeOf<StepId<'pong'>>();
    expectTypeOf((await queue.submitWithReceipt(ping, undefined, { delayMs: 1 })).stepId).toEqualTypeOf<
      StepId<'pong'>
    >();
    const ids = await queue.submitMany(resize, [{ file: 'a', width: 1 }], { priority: 1 });
    expectTypeOf(ids).toEqualTypeOf<StepId<{ bytes: number; file: string }>[]>();
    void queue.submitManyWithReceipts(resize, [{ file: 'a', width: 1 }], ({ file }, i) => ({ stepId: `${file}${i}` }));
    void new FleetQ().submit(ping);
    void (null as unknown as AnyFleetQ).submit(resize, { file: 'a', width: 1 });
  });

  test('args of a schema are its input', () => {
    const coerced = defineStep({ type: 'c', args: z.object({ n: z.string().transform(Number) }), run: ({ n }) => n });
    void new FleetQ().submit(coerced, { n: '1' });
    // @ts-expect-error -- the output is not what submit takes
    void new FleetQ().submit(coerced, { n: 1 });
  });

  test('wrong, missing or too many args and options do not compile', () => {
    const queue = new FleetQ({ steps: [resize, ping] });
    // @ts-expect-error -- wrong args
    void queue.submit(resize, { file: 'a', width: '1' });
    // @ts-expect-error -- args are missing
    void queue.submit(resize);
    // @ts-expect-error -- ping takes no args
    void queue.submit(ping, { n: 1 });
    // @ts-expect-error -- a misspelt option
    void queue.submit(ping, undefined, { priorty: 1 });
    // @ts-expect-error -- one key for many steps
    void queue.submitMany(resize, [{ file: 'a', width: 1 }], { idempotencyKey: 'k' });
    // @ts-expect-error -- wrong args
    void queue.submitMany(resize, [{ file: 1, width: 1 }]);
  });
});

describe('a misspelt field of the args', () => {
  const crop = defineStep({ type: 'crop', run: (args: { file: string; width?: number }) => args.file });
  const greet = defineStep({ type: 'greet', run: (args: { name: string } | undefined) => args?.name ?? 'you' });

  test('does not compile, not even where the field is optional', async () => {
    const queue = new FleetQ({ steps: [crop] });
    const id = await queue.submit(crop, { file: 'a', width: 3 });
    expectTypeOf(id).toEqualTypeOf<StepId<string>>();
    // @ts-expect-error -- widht is not known
    void queue.submit(crop, { file: 'a', widht: 3 });
    // @ts-expect-error -- widht is not known
    void queue.submitWithReceipt(crop, { file: 'a', widht: 3 });
    // @ts-expect-error -- widht is not known
    void queue.submitMany(crop, [{ file: 'a', widht: 3 }]);
    // @ts-expect-error -- widht is not known
    void queue.submitManyWithReceipts(crop, [{ file: 'a', widht: 3 }]);
    void queue.submitMany(crop, new Set([{ file: 'a' }]), ({ file, width }) => ({
      idempotencyKey: file,
      delayMs: width ?? 0,
    }));
    void queue.submit(greet);
    // @ts-expect-error -- nmae is not known
    void queue.submit(greet, { nmae: 'a' });
  });

  test('does not compile in a handler either', () => {
    const context = testContext();
    void context.submit(crop, { file: 'a', width: 3 });
    // @ts-expect-error -- widht is not known
    void context.submit(crop, { file: 'a', widht: 3 });
    // @ts-expect-error -- widht is not known
    void context.submitMany(crop, [{ file: 'a', widht: 3 }]);
    // @ts-expect-error -- widht is not known
    void runStep(crop, { file: 'a', widht: 3 });
  });
});

test('runStep takes no args for a handler that takes none', () => {
  expectTypeOf(runStep(ping)).resolves.toEqualTypeOf<'pong'>();
  expectTypeOf(runStep(ping, undefined, { attempt: 2 })).resolves.toEqualTypeOf<'pong'>();
  // @ts-expect-error -- args are missing
  void runStep(resize);
  // @ts-expect-error -- ping takes no args
  void runStep(ping, { n: 1 });
});

describe('a handler that submits other types', () => {
  test('makes no circular types, although its own queue would (TS7022)', async () => {
    const thumbnail = defineStep({ type: 'thumbnail', run: (args: { file: string }) => args.file.length });
    const upload = defineStep({
      type: 'upload',
      async run(args: { file: string }, ctx) {
        const id = await ctx.submit(thumbnail, { file: args.file }, { name: 'first', priority: 1 });
        expectTypeOf(id).toEqualTypeOf<StepId<number>>();
        // @ts-expect-error -- wrong args
        await ctx.submit(thumbnail, { file: 1 });
        // @ts-expect-error -- a name is for one step
        await ctx.submitMany(thumbnail, [{ file: 'a' }], { name: 'all' });
        return ctx.submitMany(thumbnail, [{ file: 'a' }], (_, i) => ({ name: `${i}` }));
      },
    });
    const queue = new FleetQ({ steps: [thumbnail, upload] });
    const id = await queue.submit(upload, { file: 'a' });
    expectTypeOf(await queue.waitFor(id)).toEqualTypeOf<StepId<number>[]>();
  });

  test('may submit its own type if it declares its return type', () => {
    const countdown = defineStep({
      type: 'countdown',
      async run(args: { n: number }, ctx): Promise<number> {
        if (args.n > 0) await ctx.submit(countdown, { n: args.n - 1 });
        return args.n;
      },
    });
    expectTypeOf(new FleetQ({ steps: [countdown] }).submit(countdown, { n: 3 })).resolves.toEqualTypeOf<
      StepId<number>
    >();
  });
});

describe('a step that is read', () => {
  const queue = new FleetQ({ steps: [resize, ping] }).register('nothing', () => undefined).register('voids', () => {});

  test('has its result once it has completed, and its error once it has failed', async () => {
    const step = await queue.getStep('id');
    if (step.status === 'failed') {
      expectTypeOf(step.error).toEqualTypeOf<SerializedError>();
      expectTypeOf(step.result).toEqualTypeOf<undefined>();
    } else if (step.status === 'completed') {
      if (step.type === 'resize') expectTypeOf(step.result).toEqualTypeOf<{ bytes: number; file: string }>();
      if (step.type === 'ping') expectTypeOf(step.result).toEqualTypeOf<'pong'>();
      if (step.type === 'nothing') expectTypeOf(step.result).toEqualTypeOf<undefined>();
      if (step.type === 'voids') expectTypeOf(step.result).toEqualTypeOf<void>();
    } else {
      expectTypeOf(step.result).toEqualTypeOf<undefined>();
      expectTypeOf(step.error).toEqualTypeOf<SerializedError | undefined>();
    }
  });

  test('has the type of its end state in events', () => {
    queue.on('step:completed', (event) => {
      if (event.type === 'ping') expectTypeOf(event.step.result).toEqualTypeOf<'pong'>();
    });
    queue.on('step:failed', ({ step }) => expectTypeOf(step.error.message).toEqualTypeOf<string>());
  });
});

test('fromEnv infers from steps as the constructor does', async () => {
  const queue = FleetQ.fromEnv({ steps: [resize, ping] });
  expectTypeOf(await queue.submit({ type: 'ping' })).toEqualTypeOf<StepId<'pong'>>();
  // @ts-expect-error -- step type 'ping' is registered twice
  FleetQ.fromEnv({ steps: [ping, ping] });
});

describe('chained forms', () => {
  const queue = new FleetQ()
    .register(resize)
    .register('send_email', async (args: { to: string }, ctx) => {
      expectTypeOf(ctx.signal).toEqualTypeOf<AbortSignal>();
      return Promise.resolve(args.to.length);
    })
    .register('tick', () => undefined, { maxRetries: 5 });

  test('register adds the type to the queue', async () => {
    expectTypeOf(await queue.submit({ type: 'send_email', args: { to: 'a@b.c' } })).toEqualTypeOf<StepId<number>>();
    void queue.submit({ type: 'tick' });
    const step = await queue.getStep('id');
    if (step.type === 'send_email') expectTypeOf(step.args).toEqualTypeOf<{ to: string }>();
    for await (const each of queue.listSteps({ status: 'failed' })) expectTypeOf(each.stepId).toEqualTypeOf<string>();
  });

  test('a client takes the types from the worker, or declares them', async () => {
    type Steps = StepsOf<typeof queue>;
    const client = new FleetQ<Steps>({});
    expectTypeOf(await client.submit({ type: 'send_email', args: { to: 'a' } })).toEqualTypeOf<StepId<number>>();
    interface Declared {
      resize: { args: { file: string }; result: number };
    }
    const declared = new FleetQ<Declared>();
    expectTypeOf(
      await declared.waitFor(await declared.submit({ type: 'resize', args: { file: 'a' } })),
    ).toEqualTypeOf<number>();
  });

  test('any queue is an AnyFleetQ', () => {
    const helper = (any: AnyFleetQ): Promise<void> => any.stop();
    void helper(queue);
    void helper(new FleetQ({ steps: [resize] }));
  });
});

describe('schemas: submit takes the input, the handler gets the output', () => {
  test('zod', async () => {
    const step = defineStep({
      type: 'zod',
      args: z.object({ n: z.string().transform(Number), width: z.number().default(3) }),
      run: (args) => {
        expectTypeOf(args).toEqualTypeOf<{ n: number; width: number }>();
        return args.n;
      },
    });
    const queue = new FleetQ({ steps: [step] });
    expectTypeOf(await queue.submit({ type: 'zod', args: { n: '1' } })).toEqualTypeOf<StepId<number>>();
    // @ts-expect-error -- the output is not what submit takes
    void queue.submit({ type: 'zod', args: { n: 1 } });
  });

  test('valibot and arktype', () => {
    defineStep({
      type: 'valibot',
      args: v.object({ n: v.optional(v.number(), 1) }),
      run: (args) => expectTypeOf(args.n).toEqualTypeOf<number>() as unknown as null,
    });
    defineStep({ type: 'arktype', args: type({ n: 'number' }), run: ({ n }) => n });
  });
});

describe('a value that JSON cannot hold does not compile', () => {
  test('args and results of definitions and of register', () => {
    // @ts-expect-error -- 'the result cannot travel as JSON'
    defineStep({ type: 'date', run: () => new Date() });
    // @ts-expect-error -- 'args cannot travel as JSON'
    defineStep({ type: 'map', run: (args: { seen: Map<string, number> }) => args.seen.size });
    // @ts-expect-error -- 'the result cannot travel as JSON'
    new FleetQ().register('big', () => 1n);
    // @ts-expect-error -- 'args cannot travel as JSON', nested
    new FleetQ().register('nested', (args: { a: { at: Date }[] }) => args.a.length);
    // @ts-expect-error -- functions do not travel
    new FleetQ().register('fn', () => ({ done: () => 1 }));
  });

  test('records, unions, optional fields, tuples and unknown compile', () => {
    interface Tree {
      readonly name: string;
      readonly children?: readonly Tree[];
    }
    new FleetQ()
      .register('tree', (args: Tree) => args)
      .register('union', (args: { kind: 'a'; n: number } | { kind: 'b'; s: string | null }) => args.kind)
      .register('tuple', (args: readonly [string, number]) => args)
      .register('unknown', (args: unknown) => args)
      .register('record', (args: Record<string, number[]>) => args);
  });
});

test('the type of the table kind is exported for code that configures a store', () => {
  expectTypeOf<SnowflakeOptions['tableKind']>().toEqualTypeOf<TableKind | undefined>();
  expectTypeOf<DdlOptions['tableKind']>().toEqualTypeOf<TableKind | undefined>();
});

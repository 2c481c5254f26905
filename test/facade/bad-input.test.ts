/** Bad input: a typed error that names the field and shows the value, before anything is written. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineStep, FleetQ, ValidationError } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { newQueue, stopped } from '../support/queues.js';
import { temporaryFolder } from '../support/temp.js';

const containing = (text: string): string => expect.stringContaining(text) as string;

describe('options', () => {
  test.each<[string, unknown, string, string]>([
    ['an unknown option', { maxParalelism: 4 }, 'maxParalelism', 'did you mean maxParallelism?'],
    ['a wrong type', { maxParallelism: '4' }, 'maxParallelism', 'got "4"'],
    ['out of range', { capacityThreshold: 1.5 }, 'capacityThreshold', 'got 1.5'],
    ['not a store', { store: 'queue.db' }, 'store', 'got "queue.db"'],
    ['an unknown choice', { unknownTypes: 'reject' }, 'unknownTypes', 'got "reject"'],
    ['a bad retry policy', { retry: { baseMs: -1 } }, 'retry.baseMs', 'got -1'],
    ['an unknown part of one', { retry: { basMs: 1 } }, 'retry.basMs', 'did you mean baseMs?'],
  ])('%s', (_, options, field, problem) => {
    const make = (): unknown => new FleetQ(options as object);
    expect(make).toThrow(ValidationError);
    expect(make).toThrow(expect.objectContaining({ code: 'OPTION_INVALID', field, message: containing(problem) }));
  });

  test.each([
    ['queue:drained', 'queue:stopped'],
    ['finished', 'step:completed'],
    ['error', 'store:error'],
    ['failed', 'step:failed'],
    ['step:complete', 'step:completed'],
  ])('an event %s suggests %s', (event, meant) => {
    const listen = (): unknown => new FleetQ().on(event as 'store:error', () => undefined);
    expect(listen).toThrow(`is not an event; did you mean "${meant}"?`);
  });

  test('sqlite({ file }) suggests path', () => {
    expect(() => sqlite({ file: 'a.db' } as object)).toThrow('sqlite.file: is not known; did you mean path?');
  });

  test('options that contradict each other are refused when the store is known', async () => {
    const queue = newQueue({ deadAfterMs: 5_000, heartbeatIntervalMs: 4_000 });
    await expect(queue.start()).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      field: 'deadAfterMs',
      message: containing('5000'),
    });
  });
});

describe('a submitted step', () => {
  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;
  const cases: readonly (readonly [string, unknown, string, string])[] = [
    ['no object', 'a', 'step', 'got "a"'],
    ['no type', { args: 1 }, 'type', 'is missing'],
    ['an empty type', { type: '' }, 'type', 'got ""'],
    ['an over-long type', { type: 'x'.repeat(256) }, 'type', '255'],
    ['runAt and delayMs together', { type: 'a', runAt: 5, delayMs: 7 }, 'runAt', 'got 5 and 7'],
    [
      'idempotencyKey and stepId together',
      { type: 'a', idempotencyKey: 'k', stepId: 'i' },
      'idempotencyKey',
      'got "k" and "i"',
    ],
    ['an unknown field', { type: 'a', priorty: 3 }, 'priorty', 'did you mean priority?'],
    ['a priority that is not a whole number', { type: 'a', priority: 1.5 }, 'priority', 'got 1.5'],
    ['a negative delay', { type: 'a', delayMs: -1 }, 'delayMs', 'got -1'],
    ['an invalid date', { type: 'a', runAt: new Date(NaN) }, 'runAt', 'got'],
    ['negative maxRetries', { type: 'a', maxRetries: -1 }, 'maxRetries', 'got -1'],
    ['metadata that is not an object', { type: 'a', metadata: [1] }, 'metadata', 'got [array of 1]'],
    ['a BigInt in args', { type: 'a', args: { n: 10n } }, 'args.n', 'got 10n'],
    ['a cycle', { type: 'a', args: cycle }, 'args.self', 'cycle'],
    ['a function', { type: 'a', args: { list: [() => 1] } }, 'args.list[0]', 'got [function'],
    ['NaN', { type: 'a', args: { n: NaN } }, 'args.n', 'got NaN'],
    ['Infinity', { type: 'a', args: [Infinity] }, 'args[0]', 'got Infinity'],
    ['undefined at the top', { type: 'a', args: undefined }, 'args', 'got undefined'],
    ['a Date', { type: 'a', args: { when: new Date(0) } }, 'args.when', 'got [Date]'],
    ['a Map', { type: 'a', args: new Map() }, 'args', 'got [Map]'],
    [
      'a toJSON that throws',
      {
        type: 'a',
        args: {
          toJSON() {
            throw new Error('no');
          },
        },
      },
      'args',
      'no',
    ],
    ['metadata that JSON cannot hold', { type: 'a', metadata: { n: 1n } }, 'metadata.n', 'got 1n'],
    ['a payload that is too large', { type: 'a', args: 'x'.repeat(300_000) }, 'args', '262144'],
  ];

  test.each(cases)('%s', async (_, step, field, problem) => {
    const queue = newQueue().register('a', (args: unknown) => args);
    await expect(queue.submit(step as { type: 'a' })).rejects.toMatchObject({
      name: 'ValidationError',
      field,
      message: containing(problem),
    });
    expect((await queue.listSteps().page()).steps).toEqual([]);
  });

  test('submitMany writes nothing if one step is bad, and says which', async () => {
    const queue = newQueue().register('a', (args: unknown) => args);
    const steps = Array.from({ length: 700 }, (_, i) => ({ type: 'a' as const, args: i === 650 ? 1n : i }));
    await expect(queue.submitMany(steps)).rejects.toMatchObject({
      field: 'steps[650].args',
      message: containing('1n'),
    });
    expect((await queue.stats()).pendingSteps).toBe(0);
  });

  test('a payload that is too large says its size', async () => {
    const queue = newQueue({ maxPayloadBytes: 1_000 }).register('a', (args: string) => args);
    await expect(queue.submit({ type: 'a', args: 'x'.repeat(2_000) })).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      message: containing('2022 bytes'),
    });
  });

  test('args that the schema refuses', async () => {
    const step = defineStep({ type: 'z', args: z.object({ n: z.number() }), run: ({ n }) => n });
    const queue = stopped(new FleetQ({ store: sqlite({ path: ':memory:' }), steps: [step] }));
    await expect(queue.submit({ type: 'z', args: { n: 'one' as never } })).rejects.toMatchObject({
      code: 'STEP_INVALID',
      field: 'args',
      message: containing('n:'),
    });
  });
});

describe('one id for two steps of a submitMany', () => {
  test.each<[string, string, object, object, string]>([
    ['other args', 'steps[2].stepId', { stepId: 'x', args: 1 }, { stepId: 'x', args: 2 }, 'other args or metadata'],
    ['another priority', 'steps[2].stepId', { stepId: 'x' }, { stepId: 'x', priority: 1 }, 'another priority'],
    ['other maxRetries', 'steps[2].stepId', { stepId: 'x' }, { stepId: 'x', maxRetries: 1 }, 'other maxRetries'],
    ['another delay', 'steps[2].stepId', { stepId: 'x' }, { stepId: 'x', delayMs: 1 }, 'another delayMs'],
    ['another runAt', 'steps[2].stepId', { stepId: 'x', runAt: 1 }, { stepId: 'x', runAt: 2 }, 'another runAt'],
    ['another type', 'steps[2].stepId', { stepId: 'x' }, { stepId: 'x', type: 'b' }, 'another type'],
    ['by a key', 'steps[2].idempotencyKey', { idempotencyKey: 'x' }, { idempotencyKey: 'x', args: 2 }, 'other args'],
  ])('%s: refused with both positions, and nothing is written', async (_, field, one, other, problem) => {
    const queue = newQueue()
      .register('a', (args: unknown) => args)
      .register('b', () => 1);
    const steps = [{ type: 'a', ...one }, { type: 'a' }, { type: 'a', ...other }] as { type: 'a' }[];
    for (const submit of [() => queue.submitMany(steps), () => queue.submitManyWithReceipts(steps)]) {
      await expect(submit()).rejects.toMatchObject({
        code: 'STEP_INVALID',
        field,
        message: expect.stringMatching(`steps\\[0\\], with ${problem}.*got "x"`) as string,
      });
    }
    expect((await queue.listSteps().page()).steps).toEqual([]);
  });

  test('a schema that answers late changes nothing', async () => {
    const args = {
      '~standard': { version: 1, vendor: 'test', validate: async (value: unknown) => ({ value }) },
    } as const;
    const step = defineStep({ type: 'late', args, run: () => 1 });
    const queue = stopped(new FleetQ({ store: sqlite({ path: ':memory:' }), steps: [step] }));
    const steps = [1, 2].map((args) => ({ type: 'late' as const, stepId: 'x', args }));
    await expect(queue.submitMany(steps as never)).rejects.toMatchObject({ field: 'steps[1].stepId' });
  });
});

describe('a type that is not registered', () => {
  const queueOf = (types: readonly string[]) => {
    const queue = newQueue({ unknownTypes: 'refuse' });
    for (const type of types) queue.register(type as never, () => 1);
    return queue;
  };

  test('is refused with the nearest known type if unknownTypes says so', async () => {
    const queue = queueOf(['resize', 'send_email']);
    await expect(queue.submit({ type: 'resise' } as never)).rejects.toMatchObject({
      name: 'ValidationError',
      code: 'STEP_TYPE_UNKNOWN',
      field: 'type',
      message: containing('"resise" is not registered here; did you mean "resize"?'),
    });
    await expect(queue.submitMany([{ type: 'resize' }, { type: 'far_away' }] as never)).rejects.toMatchObject({
      field: 'steps[1].type',
      message: expect.not.stringContaining('did you mean') as string,
    });
    await expect(queueOf([]).submit({ type: 'any' } as never)).rejects.toMatchObject({
      message: containing('no type is registered, and unknownTypes is "refuse"'),
    });
    expect((await queue.stats()).pendingSteps).toBe(0);
  });

  test('counts as known from its registration on', async () => {
    const queue = queueOf([]);
    await expect(queue.submit({ type: 'a' } as never)).rejects.toMatchObject({ code: 'STEP_TYPE_UNKNOWN' });
    queue.register('a' as never, () => 1);
    expect(await queue.submit({ type: 'a' } as never)).toEqual(expect.any(String));
  });

  test('is accepted by default', async () => {
    expect(await newQueue().submit({ type: 'elsewhere' } as never)).toEqual(expect.any(String));
  });
});

describe('registration', () => {
  test('a type twice', () => {
    const queue = newQueue().register('a', () => 1);
    expect(() => queue.register('a' as never, () => 2)).toThrow(
      expect.objectContaining({ code: 'STEP_TYPE_DUPLICATE', message: containing('"a"') }),
    );
    const step = defineStep({ type: 'b', run: () => 1 });
    expect(() => new FleetQ({ steps: [step, step] as never })).toThrow(
      expect.objectContaining({ code: 'STEP_TYPE_DUPLICATE' }),
    );
  });

  test('after start', async () => {
    const queue = newQueue();
    await queue.start();
    expect(() => queue.register('late', () => 1)).toThrow(
      expect.objectContaining({ code: 'REGISTER_LATE', message: containing('"late"') }),
    );
  });

  test.each<[string, unknown, unknown, unknown, string]>([
    ['an empty type', '', () => 1, {}, 'step.type'],
    ['no handler', 'a', undefined, {}, 'step.run'],
    ['a handler that is not a function', 'a', 'run', {}, 'step.run'],
    ['an unknown option', 'a', () => 1, { timeout: 5 }, 'step.timeout'],
    ['a bad timeoutMs', 'a', () => 1, { timeoutMs: 'soon' }, 'step.timeoutMs'],
    ['a timeoutMs of nothing', 'a', () => 1, { timeoutMs: 0 }, 'step.timeoutMs'],
    ['concurrency below one', 'a', () => 1, { concurrency: 0 }, 'step.concurrency'],
  ])('%s', (_, type, run, options, field) => {
    const register = newQueue().register as (...args: unknown[]) => unknown;
    const queue = newQueue();
    expect(() => register.call(queue, type, run, options)).toThrow(
      expect.objectContaining({ code: 'STEP_TYPE_INVALID', field }),
    );
  });
});

describe('other calls', () => {
  test('an id that is not valid', async () => {
    const queue = newQueue();
    for (const call of [
      () => queue.getStep(7 as never),
      () => queue.cancel(''),
      () => queue.retry(null as never),
      () => queue.waitFor({} as never),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'STEP_INVALID', field: 'stepId', message: containing('got') });
    }
  });

  test('a filter, a wait, a listener', async () => {
    const queue = newQueue();
    expect(() => queue.listSteps({ status: 'done' as never })).toThrow(
      expect.objectContaining({ field: 'filter.status', message: containing('"done"') }),
    );
    expect(() => queue.listSteps({ status: ['pending', 'faild'] as never })).toThrow(
      'got "faild"; did you mean failed?',
    );
    expect(() => queue.listSteps({ createdAfter: '2026-01-01' as never })).toThrow(
      expect.objectContaining({ field: 'filter.createdAfter', message: containing('got "2026-01-01"') }),
    );
    expect(() => queue.listSteps({ createdBefore: new Date(NaN) })).toThrow('filter.createdBefore');
    expect(() => queue.listSteps({ createdAfter: 2, createdBefore: 1 })).toThrow(
      expect.objectContaining({ field: 'filter.createdBefore', message: containing('not before createdAfter, got 1') }),
    );
    expect(() => queue.listSteps({ statuses: [] } as never)).toThrow(
      expect.objectContaining({ field: 'filter.statuses', message: containing('did you mean status?') }),
    );
    for (const timeoutMs of [-1, 0, 2 ** 31]) {
      await expect(queue.waitFor('x', { timeoutMs })).rejects.toMatchObject({ field: 'options.timeoutMs' });
    }
    expect(() => queue.on('step:complete' as never, () => 1)).toThrow(
      expect.objectContaining({ message: containing('step:completed') }),
    );
    expect(() => queue.on('step:completed', 5 as never)).toThrow(expect.objectContaining({ field: 'listener' }));
  });

  test('runRecovery with a misspelt option recovers nothing', async () => {
    const queue = newQueue();
    await queue.start();
    await expect(queue.runRecovery({ dryrun: true } as never)).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: containing('did you mean dryRun?'),
    });
    await expect(queue.runRecovery({ force: 1 as never })).rejects.toMatchObject({ field: 'options.force' });
    await expect(queue.recoveryHistory({ limit: -1 })).rejects.toMatchObject({
      field: 'options.limit',
      message: containing('-1'),
    });
  });

  test.each([undefined, null, 5, 'steps', { type: 'a' }])('submitMany of %o, which holds no steps', async (steps) => {
    await expect(newQueue().submitMany(steps as never)).rejects.toMatchObject({
      code: 'STEP_INVALID',
      field: 'steps',
      message: containing('expected an iterable of steps, got'),
    });
  });
});

describe('paths', () => {
  test('a path that cannot be written', async () => {
    const folder = temporaryFolder();
    const queue = newQueue({ store: sqlite({ path: join(folder, 'missing', 'queue.db') }) });
    await expect(queue.start()).rejects.toMatchObject({ code: 'STORE_UNWRITABLE', message: containing('missing') });
    mkdirSync(join(folder, 'taken'));
    await expect(newQueue({ store: sqlite({ path: join(folder, 'taken') }) }).start()).rejects.toMatchObject({
      code: 'STORE_UNWRITABLE',
    });
  });

  test('a file that is not a database is left as it is', async () => {
    const path = join(temporaryFolder(), 'notes.txt');
    writeFileSync(path, 'These are my notes. '.repeat(100));
    await expect(newQueue({ store: sqlite({ path }) }).start()).rejects.toMatchObject({
      code: 'STORE_NOT_A_DATABASE',
      message: containing('notes.txt'),
    });
  });
});

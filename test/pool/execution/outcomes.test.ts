import { describe, expect, test, vi } from 'vitest';
import * as v from 'valibot';
import { PermanentFailureError, RetryLaterError } from '../../../src/errors.js';
import type { StepContext } from '../../../src/step/handler-context.js';
import { gate, running, type Handler, type RigOptions } from '../support/rig.js';
import type { StepGiven } from '../support/memory-store.js';

/** Runs one step of a handler. Returns its row and the events. */
async function run(handler: Handler, given: StepGiven = {}, options: RigOptions & { schema?: unknown } = {}) {
  const { schema, ...rest } = options;
  const step = schema === undefined ? handler : { run: handler, args: schema };
  const rig = await running({ it: step }, rest, ({ store }) => store.add('s1', 'it', given));
  const row = rig.store.row('s1');
  return { rig, row, error: row.error === null ? undefined : (JSON.parse(row.error) as Record<string, unknown>) };
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

describe('what a handler returns', () => {
  test.each([
    ['nothing', undefined, null],
    ['null', null, 'null'],
    ['a number', 1, '1'],
    ['an object', { a: [1, { b: 'x' }] }, '{"a":[1,{"b":"x"}]}'],
    ['a promise', Promise.resolve({ late: true }), '{"late":true}'],
    ['a thenable of another kind', { then: (ok: (v: string) => void) => ok('odd') }, '"odd"'],
    [
      'a function that is a thenable',
      Object.assign(() => 0, { then: (ok: (v: string) => void) => ok('odder') }),
      '"odder"',
    ],
  ])('%s is its result', async (_, value, result) => {
    const { row } = await run(() => value);
    expect(row).toMatchObject({ status: 'completed', result });
  });

  test.each([
    ['a bigint', () => 1n],
    [
      'a cycle',
      () => {
        const a: Record<string, unknown> = {};
        return (a['a'] = a);
      },
    ],
    ['NaN, deep inside', async () => ({ a: [Number.NaN] })],
    ['a Map', () => new Map()],
    ['a function', () => () => 0],
    [
      'a toJSON that throws',
      () => ({
        toJSON: () => {
          throw new Error('never');
        },
      }),
    ],
  ])('%s fails the step permanently, with the reason', async (_, handler) => {
    const { row, error } = await run(handler, { maxRetries: 5 });
    expect(row.status).toBe('failed');
    expect(error).toMatchObject({ code: 'RESULT_UNSERIALIZABLE', message: expect.stringMatching(/^result/) });
  });

  test('bytes are counted, not characters', async () => {
    const options = { maxPayloadBytes: 100 };
    expect((await run(() => 'x'.repeat(98), {}, options)).row.status).toBe('completed');
    expect((await run(() => '€'.repeat(32), {}, options)).row.status).toBe('completed');
    const { row, error } = await run(() => '€'.repeat(33), { maxRetries: 5 }, options);
    expect(row.status).toBe('failed');
    expect(error).toMatchObject({ code: 'RESULT_TOO_LARGE', message: expect.stringContaining('101 bytes') });
  });
});

describe('what a handler throws', () => {
  class TheirPermanentFailureError extends Error {
    override name = 'PermanentFailureError';
  }
  const theirs = Object.assign(new Error('later'), { name: 'RetryLaterError', delayMs: 1234 });

  test.each([
    [
      'synchronously',
      () => {
        throw new Error('no');
      },
    ],
    [
      'later',
      async () => {
        throw new Error('no');
      },
    ],
  ])('%s is recorded, and the step is retried by the policy', async (_, handler) => {
    const { rig, row, error } = await run(handler, {}, { retry: { baseMs: 1_000, factor: 1 } });
    expect(row).toMatchObject({ status: 'pending', retryCount: 1, runAt: 500 });
    expect(error).toMatchObject({ name: 'Error', message: 'no' });
    expect(rig.events('step:retrying')).toHaveLength(1);
  });

  test('fails permanently when the retries are used up', async () => {
    const { rig, row } = await run(
      () => {
        throw new Error('no');
      },
      { maxRetries: 2 },
      { retry: { baseMs: 10, factor: 1 } },
    );
    await rig.runtime.advance(1_000);
    expect(row).toMatchObject({ status: 'failed', retryCount: 2 });
    expect(rig.events('step:started').map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  });

  test.each([
    ['ours', () => new PermanentFailureError('bad')],
    ['from another copy of the package', () => new TheirPermanentFailureError('bad')],
    ['a subclass', () => new (class Mine extends PermanentFailureError {})('bad')],
  ])('PermanentFailureError, %s: is not retried', async (_, error) => {
    const { row } = await run(() => Promise.reject(error()), { maxRetries: 5 });
    expect(row).toMatchObject({ status: 'failed', retryCount: 0 });
  });

  test.each([
    ['ours', () => new RetryLaterError(1234)],
    ['from another copy', () => theirs],
  ])('RetryLaterError, %s: is retried at its time, charged', async (_, error) => {
    const { row } = await run(() => {
      throw error();
    });
    expect(row).toMatchObject({ status: 'pending', retryCount: 1, runAt: 1234 });
  });

  const wrap = (cause: unknown, times: number): Error =>
    times === 0 ? (cause as Error) : new Error('wrapped', { cause: wrap(cause, times - 1) });

  test.each([1, 2, 8])('a PermanentFailureError among the causes, %i deep: is not retried', async (deep) => {
    const { row } = await run(() => Promise.reject(wrap(new PermanentFailureError('bad'), deep)), { maxRetries: 5 });
    expect(row).toMatchObject({ status: 'failed', retryCount: 0 });
  });

  test.each([1, 8])('a RetryLaterError among the causes, %i deep: is retried at its time', async (deep) => {
    const { row } = await run(() => Promise.reject(wrap(new RetryLaterError(1234), deep)));
    expect(row).toMatchObject({ status: 'pending', retryCount: 1, runAt: 1234 });
  });

  test('a PermanentFailureError takes precedence over a RetryLaterError, whichever is the cause', async () => {
    const inside = new RetryLaterError(1, 'later', { cause: new PermanentFailureError('bad') });
    const outside = new PermanentFailureError('bad', { cause: new RetryLaterError(1) });
    for (const error of [inside, outside]) {
      expect((await run(() => Promise.reject(error))).row.status).toBe('failed');
    }
  });

  test('a PermanentFailureError among the errors of an aggregate does not count', async () => {
    const error = new AggregateError([new PermanentFailureError('one way')], 'all ways failed');
    expect((await run(() => Promise.reject(error))).row).toMatchObject({ status: 'pending', retryCount: 1 });
  });

  test('circular or unreadable causes are retried by the policy', async () => {
    const round = new Error('round');
    round.cause = new Error('and', { cause: round });
    const trap = new Error('trap', { cause: revoked() });
    for (const error of [round, trap]) {
      expect((await run(() => Promise.reject(error))).row).toMatchObject({ status: 'pending', retryCount: 1 });
    }
  });

  test('a RetryLaterError without a delay is retried by the policy', async () => {
    const { row } = await run(() => {
      throw Object.assign(new Error('x'), { name: 'RetryLaterError', delayMs: 'soon' });
    });
    expect(row).toMatchObject({ status: 'pending', retryCount: 1, runAt: 500 });
  });

  test.each([
    ['undefined', undefined],
    ['null', null],
    ['text', 'text'],
    ['a number', 7],
    ['a frozen object', Object.freeze({ a: 1 })],
    [
      'a proxy that throws',
      new Proxy(
        {},
        {
          get: () => {
            throw new Error('trap');
          },
        },
      ),
    ],
    [
      'a proxy whose traps all throw',
      new Proxy(
        {},
        {
          getPrototypeOf: () => {
            throw new Error('trap');
          },
        },
      ),
    ],
    ['a proxy that was revoked', revoked()],
  ])('%s is not an error, and is recorded all the same', async (_, thrown) => {
    const handlers: Handler[] = [
      () => {
        throw thrown;
      },
      () => Promise.reject(thrown),
    ];
    for (const handler of handlers) {
      const { rig, row, error } = await run(handler);
      expect(row).toMatchObject({ status: 'pending', retryCount: 1 });
      expect(error).toMatchObject({ name: 'NonError' });
      expect(rig.pool.load.running).toBe(0); // its slot is free again
    }
  });
});

describe('ctx.release()', () => {
  const cases: [string, (ctx: StepContext) => unknown][] = [
    ['leaves the handler', (ctx) => ctx.release({ delayMs: 700 })],
    ['taken from the context', ({ release }) => release({ delayMs: 700 })],
    [
      'counts also where the handler swallows the throw',
      (ctx) => {
        try {
          ctx.release({ delayMs: 700 });
        } catch {
          return 'done';
        }
        return 'never';
      },
    ],
    [
      'and where it throws something else',
      async (ctx) => {
        await Promise.resolve();
        try {
          ctx.release({ delayMs: 700 });
        } catch {
          throw new Error('other');
        }
      },
    ],
  ];
  test.each(cases)('%s', async (_, handler) => {
    const { rig, row } = await run((_args, ctx) => handler(ctx));
    expect(row).toMatchObject({ status: 'pending', retryCount: 0, runAt: 700, result: null });
    expect(rig.events('step:released')).toMatchObject([{ reason: 'handler', delayMs: 700 }]);
  });

  test('counts once: a second release changes nothing', async () => {
    const { row } = await run((_, ctx) => {
      try {
        ctx.release({ delayMs: 700 });
      } catch {
        ctx.release({ delayMs: 900 });
      }
    });
    expect(row).toMatchObject({ status: 'pending', runAt: 700 });
  });

  test('is 5 s by default', async () => {
    const { row } = await run((_, ctx) => ctx.release());
    expect(row.runAt).toBe(5_000);
  });

  test.each([{ delayMs: -1 }, { delayMs: 1e300 }, { delay: 5 }, 5_000])('refuses %o', async (options) => {
    const { error } = await run((_, ctx) => ctx.release(options as { delayMs: number }));
    expect(error).toMatchObject({ name: 'ValidationError', code: 'STEP_INVALID' });
  });
});

describe('args', () => {
  const schema = v.object({ n: v.pipe(v.string(), v.transform(Number)) });
  const late = v.pipeAsync(
    v.object({ n: v.string() }),
    v.checkAsync(async ({ n }) => n !== 'bad', 'a bad one'),
  );

  test('reach the handler as the schema’s output, and the event as stored', async () => {
    const { rig, row } = await run(({ n }: { n: number }) => n + 1, { args: { n: '41' } }, { schema });
    expect(row.result).toBe('42');
    expect(rig.events('step:completed')[0]).toMatchObject({ args: { n: '41' } });
  });

  test.each([
    ['sync', schema, { n: 1 }],
    ['async', late, { n: 'bad' }],
    [
      'that throws',
      {
        '~standard': {
          version: 1,
          vendor: 'x',
          validate: () => {
            throw new Error('broken');
          },
        },
      },
      {},
    ],
  ])('that do not match fail the step permanently, and the handler never runs: %s', async (_, given, args) => {
    const handler = vi.fn();
    const { row, error } = await run(handler, { args, maxRetries: 5 }, { schema: given });
    expect(row.status).toBe('failed');
    expect(error).toMatchObject({ code: 'STEP_ARGS_MISMATCH' });
    expect(handler).not.toHaveBeenCalled();
  });

  test('cost no promise if the schema is synchronous: the step ends in the same turn', async () => {
    const order: string[] = [];
    const rig = await running({ it: { args: schema, run: () => void order.push('ran') } }, {}, ({ store }) => {
      store.add('s1', 'it', { args: { n: '1' } });
      store.after = () => void setTimeout(() => order.push('a turn later'), 0);
    });
    await rig.runtime.settle();
    expect(order[0]).toBe('ran');
  });

  test('wait for an async schema', async () => {
    const { row } = await run(({ n }: { n: string }) => n, { args: { n: 'good' } }, { schema: late });
    expect(row.result).toBe('"good"');
  });

  test.each(['{"type":"it","args":', ''])('that are broken JSON fail the step permanently: %j', async (payload) => {
    const handler = vi.fn();
    const { row, error } = await run(handler, { payload, maxRetries: 5 });
    expect(row.status).toBe('failed');
    expect(error).toMatchObject({ code: 'STEP_ARGS_MISMATCH', message: expect.stringContaining('not JSON') });
    expect(handler).not.toHaveBeenCalled();
  });

  test('are undefined if the stored JSON is not a payload', async () => {
    const handler = vi.fn();
    await run(handler, { payload: '[1]' });
    expect(handler).toHaveBeenCalledWith(undefined, expect.anything());
  });
});

describe('the context', () => {
  test('describes the step', async () => {
    const open = gate<StepContext>();
    const payload = JSON.stringify({ type: 'it', args: 1, metadata: { who: 'alice' } });
    await run((_, ctx) => open.open(ctx), { payload, maxRetries: 7 });
    const ctx = await open.promise;
    expect({ ...ctx }).toEqual({
      ...{ stepId: 's1', type: 'it', attempt: 1, maxRetries: 7, metadata: { who: 'alice' }, podId: 'pod-a' },
      idempotencyKey: 's1',
    });
    expect(ctx.signal).toBe(ctx.signal);
    expect(ctx.signal.aborted).toBe(false);
  });

  test('its log names the step', async () => {
    const { rig } = await run((_, ctx) => ctx.log.info({ more: 1 }, 'hello'));
    expect(rig.logged).toContainEqual({
      level: 'info',
      message: 'hello',
      fields: { part: 'pool', stepId: 's1', type: 'it', attempt: 1, more: 1 },
    });
  });
});

describe('events', () => {
  test('a listener that throws affects no other listener', async () => {
    const { rig, row } = await run(() => 1);
    expect(row.status).toBe('completed');
    expect(rig.events('step:completed')).toHaveLength(1);
  });

  test('no event of an outcome is emitted before its receipt', async () => {
    const open = gate();
    const rig = await running({ it: () => 1 }, {}, ({ store }) => {
      store.add('s1', 'it');
      store.after = ({ settlements }) => (settlements.length > 0 ? open.promise : undefined);
    });
    expect(rig.store.row('s1').status).toBe('completed');
    expect(rig.events('step:completed')).toEqual([]);
    open.open();
    await rig.runtime.settle();
    expect(rig.events('step:completed')).toHaveLength(1);
  });
});

describe('step:started', () => {
  test('has how long the step had been due: by the store until the claim, then by this pod', async () => {
    const rig = await running(
      { it: () => gate().promise },
      { maxParallelism: 1, capacityThreshold: 1 },
      ({ store }) => {
        store.add('s1', 'it');
      },
    );
    await rig.runtime.advance(0);
    expect(rig.events('step:started')).toMatchObject([{ stepId: 's1', waitMs: 0 }]);
  });
});

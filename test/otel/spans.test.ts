/** The spans of submissions and runs, in an OpenTelemetry SDK in memory. */
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AlwaysOffSampler } from '@opentelemetry/sdk-trace-node';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { defineStep, FleetQ, type AnyFleetQ } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { traceFleetQ } from 'fleet-q/otel';
import { faultySqlite, newQueue, nextEvent, stopped, temporaryPath } from '../support/queues.js';
import { StoreError } from '../../src/errors.js';
import { runEvents } from '../tracing/events.js';
import { idsOf, only, sdk } from './spans.js';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('a submission', () => {
  test('is a producer span below the span of its caller', async () => {
    const { named } = sdk();
    const queue: AnyFleetQ = newQueue({ podId: 'web-1' });
    const stepId = await trace.getTracer('test').startActiveSpan('request', async (span) => {
      try {
        return await queue.submit({ type: 'resize' });
      } finally {
        span.end();
      }
    });
    const [request, submit] = [only(named('request')), only(named('submit resize'))];
    expect(submit.kind).toBe(SpanKind.PRODUCER);
    expect(idsOf(submit)).toMatchObject({ trace: idsOf(request).trace, parent: idsOf(request).span, links: [] });
    expect(submit.attributes).toEqual({
      'messaging.system': 'fleet-q',
      'messaging.operation.name': 'submit',
      'messaging.operation.type': 'send',
      'messaging.client.id': 'web-1',
      'messaging.destination.name': 'resize',
      'messaging.message.id': stepId,
      'fleetq.receipt': 'created',
    });
    expect(submit.status.code).toBe(SpanStatusCode.UNSET);
    expect(submit.instrumentationScope).toMatchObject({ name: 'fleet-q' });
  });

  test('of many steps is one span, with their number', async () => {
    const { spans } = sdk();
    const queue: AnyFleetQ = newQueue();
    await queue.submitMany([{ type: 'a' }, { type: 'a' }]);
    await queue.submitMany([{ type: 'a' }, { type: 'b' }]);
    expect(spans().map(({ name, attributes }) => [name, attributes['messaging.batch.message_count']])).toEqual([
      ['submit a', 2],
      ['submit', 2],
    ]);
    expect(spans()[0]?.attributes).not.toHaveProperty('messaging.message.id');
  });

  test('that fails has the error', async () => {
    const { spans } = sdk();
    const error = new StoreError('STORE_REFUSED', 'the store cannot hold it', false);
    const queue: AnyFleetQ = newQueue({
      store: faultySqlite(({ verb }) => (verb === 'submit' ? { fails: 'before', error } : undefined)),
    });
    await expect(queue.submit({ type: 'a' })).rejects.toBe(error);
    const span = only(spans());
    expect(span.status).toEqual({ code: SpanStatusCode.ERROR, message: 'the store cannot hold it' });
    expect(span.attributes['error.type']).toBe('STORE_REFUSED');
    expect(only(span.events).attributes).toMatchObject({ 'exception.message': 'the store cannot hold it' });
  });
});

describe('a run', () => {
  test('is a consumer span in a trace of its own, linked to the submission', async () => {
    const { named } = sdk();
    const queue = newQueue({ podId: 'pod-1' }).register('resize', async () => {
      await turn();
      return trace.getActiveSpan()?.spanContext().spanId ?? 'none';
    });
    await queue.start();
    const stepId = await queue.submit({ type: 'resize' });
    const active = await queue.waitFor(stepId);
    await expect.poll(() => named('run resize')).toHaveLength(1);
    const [submit, run] = [only(named('submit resize')), only(named('run resize'))];
    expect(run.kind).toBe(SpanKind.CONSUMER);
    expect(idsOf(run)).toMatchObject({ span: active, parent: undefined, links: [idsOf(submit).span] });
    expect(idsOf(run).trace).not.toBe(idsOf(submit).trace);
    expect(only(run.links).context).toMatchObject({ traceId: idsOf(submit).trace, isRemote: true });
    expect(run.attributes).toEqual({
      'messaging.system': 'fleet-q',
      'messaging.operation.name': 'run',
      'messaging.operation.type': 'process',
      'messaging.client.id': 'pod-1',
      'messaging.destination.name': 'resize',
      'messaging.message.id': stepId,
      'fleetq.attempt': 1,
      'fleetq.max_retries': 3,
      'fleetq.wait_ms': expect.any(Number) as number,
      'fleetq.outcome': 'completed',
    });
    expect(run.status.code).toBe(SpanStatusCode.UNSET);
  });

  test('is a child of the submission if that is asked for, and linked as well', async () => {
    const { named } = sdk({ relation: 'parent' });
    const queue = newQueue().register('work', (): null => null);
    await queue.start();
    await queue.waitFor(await queue.submit({ type: 'work' }));
    await expect.poll(() => named('run work')).toHaveLength(1);
    const [submit, run] = [only(named('submit work')), only(named('run work'))];
    const { trace: traceId, span } = idsOf(submit);
    expect(idsOf(run)).toMatchObject({ trace: traceId, parent: span, links: [span] });
  });

  test('of a step that was submitted without tracing has no link', async () => {
    const queue = newQueue().register('work', (): null => null);
    const stepId = await queue.submit({ type: 'work' });
    const { spans } = sdk();
    await trace.getTracer('test').startActiveSpan('boot', async (boot) => {
      await queue.start();
      boot.end();
    });
    await queue.waitFor(stepId);
    await expect.poll(() => spans().map(({ name }) => name)).toEqual(['boot', 'run work']);
    expect(idsOf(spans()[1] ?? expect.unreachable())).toMatchObject({ parent: undefined, links: [] });
  });

  test('that fails has its error, and each attempt is a span', async () => {
    const { named } = sdk();
    const queue = newQueue().register(
      'work',
      (): null => {
        throw Object.assign(new TypeError('no luck'), { code: 'E_LUCK' });
      },
      { maxRetries: 1 },
    );
    await queue.start();
    const stepId = await queue.submit({ type: 'work' });
    await expect(queue.waitFor(stepId)).rejects.toMatchObject({ code: 'STEP_FAILED' });
    await expect.poll(() => named('run work')).toHaveLength(2);
    const runs = named('run work');
    expect(
      runs.map(({ attributes }) => [
        attributes['fleetq.attempt'],
        attributes['fleetq.outcome'],
        typeof attributes['fleetq.delay_ms'],
      ]),
    ).toEqual([
      [1, 'retrying', 'number'],
      [2, 'failed', 'undefined'],
    ]);
    for (const run of runs) {
      expect(run.status).toEqual({ code: SpanStatusCode.ERROR, message: 'no luck' });
      expect(run.attributes['error.type']).toBe('E_LUCK');
      expect(only(run.events)).toMatchObject({ name: 'exception', attributes: { 'exception.type': 'TypeError' } });
      expect(only(run.events).attributes?.['exception.stacktrace']).toContain('spans.test.ts');
    }
    const [one, two] = runs.map(idsOf);
    expect(one?.links).toEqual(two?.links);
    expect(one?.trace).not.toBe(two?.trace);
  });

  test('that timed out, ignored its abort, was released, cancelled or lost says so', async () => {
    const { named } = sdk();
    const path = temporaryPath();
    const queue = stopped(new FleetQ({ store: sqlite({ path }), abortGraceMs: 50, drainTimeoutMs: 1_000 }))
      .register('deaf', () => new Promise<null>(() => undefined), { timeoutMs: 20, maxRetries: 0 })
      .register('release', (_: unknown, ctx): null => ctx.release({ delayMs: 3_600_000 }))
      .register(
        'cancel',
        (_: unknown, { signal }) =>
          new Promise<null>((_resolve, reject) =>
            signal.addEventListener('abort', () => reject(signal.reason as Error)),
          ),
      )
      .register('lose', (_: unknown, { stepId }): null => {
        const database = new Database(path);
        database
          .prepare(`UPDATE STEP_TRACKER SET version = version + 1, status = 'failed' WHERE step_id = ?`)
          .run(stepId);
        database.close();
        return null;
      });
    await queue.start();
    for (const type of ['deaf', 'release', 'lose'] as const) await queue.submit({ type });
    const started = nextEvent(queue, 'step:started', ({ type }) => type === 'cancel');
    const cancelled = await queue.submit({ type: 'cancel' });
    await started;
    await queue.cancel(cancelled);
    await expect
      .poll(() => ['deaf', 'release', 'lose', 'cancel'].flatMap((type) => named(`run ${type}`)))
      .toHaveLength(4);
    const shown = (type: string) => {
      const { attributes, status } = only(named(`run ${type}`));
      const own = Object.entries(attributes).filter(([name]) =>
        /^(error|fleetq.(outcome|delay|stray|timed))/.test(name),
      );
      return { ...Object.fromEntries(own), status: status.code };
    };
    const [unset, error] = [SpanStatusCode.UNSET, SpanStatusCode.ERROR];
    expect(shown('deaf')).toEqual({
      'fleetq.outcome': 'failed',
      'fleetq.timed_out': true,
      'fleetq.stray': true,
      'error.type': 'STEP_TIMED_OUT',
      status: error,
    });
    expect(shown('release')).toEqual({ 'fleetq.outcome': 'released', 'fleetq.delay_ms': 3_600_000, status: unset });
    expect(shown('cancel')).toEqual({ 'fleetq.outcome': 'cancelled', status: unset });
    expect(shown('lose')).toEqual({ 'fleetq.outcome': 'lost', 'error.type': 'lost', status: error });
  });

  test('lasts as long as its handler, however late the store confirms the outcome', async () => {
    const { named } = sdk();
    const durations: (number | undefined)[] = [];
    runEvents({ asyncStart: ({ durationMs }) => void durations.push(durationMs) });
    const factory = faultySqlite();
    const queue = newQueue({ store: factory }).register('work', async (): Promise<null> => {
      factory.store.plan = ({ verb }) => (verb === 'exchange' ? { delayMs: 100 } : undefined);
      await turn();
      return null;
    });
    await queue.start();
    await queue.waitFor(await queue.submit({ type: 'work' }));
    await expect.poll(() => named('run work')).toHaveLength(1);
    const [seconds, nanoseconds] = only(named('run work')).duration;
    expect(seconds * 1_000 + nanoseconds / 1e6).toBeCloseTo(only(durations) ?? NaN, 2);
  });

  test('is the parent of what its handler does and submits, in the listeners of its signal too', async () => {
    const { named } = sdk();
    const child = defineStep({ type: 'child', run: () => 1 });
    const work = (name: string): void => trace.getTracer('test').startSpan(name).end();
    const queue = newQueue({ abortGraceMs: 5_000 })
      .register(child)
      .register('parent', async (_: undefined, ctx): Promise<null> => {
        work('before');
        await turn();
        work('after');
        await ctx.submit(child);
        await new Promise<void>((resolve) =>
          ctx.signal.addEventListener('abort', () => {
            work('aborted');
            resolve();
          }),
        );
        return null;
      });
    await queue.start();
    const stepId = await queue.submit({ type: 'parent' });
    await expect.poll(() => named('run child')).toHaveLength(1);
    await queue.cancel(stepId);
    await expect.poll(() => named('run parent')).toHaveLength(1);
    const { trace: traceId, span } = idsOf(only(named('run parent')));
    for (const name of ['before', 'after', 'aborted', 'submit child'])
      expect(idsOf(only(named(name))), name).toMatchObject({ trace: traceId, parent: span });
    expect(idsOf(only(named('run child'))).links).toEqual([idsOf(only(named('submit child'))).span]);
  });
});

describe('baggage', () => {
  test('of the caller is the baggage of the handler', async () => {
    sdk();
    const queue = newQueue().register(
      'work',
      () => propagation.getActiveBaggage()?.getEntry('tenant')?.value ?? 'none',
    );
    await queue.start();
    const baggage = propagation.createBaggage({ tenant: { value: 'acme' } });
    const stepId = await context.with(propagation.setBaggage(context.active(), baggage), () =>
      queue.submit({ type: 'work' }),
    );
    expect(await queue.waitFor(stepId)).toBe('acme');
    expect(await queue.waitFor(await queue.submit({ type: 'work' }))).toBe('none');
  });

  test('that is too long for a step is left out, and the trace is kept', async () => {
    const { named } = sdk();
    const queue = newQueue().register(
      'work',
      () => propagation.getActiveBaggage()?.getEntry('tenant')?.value ?? 'none',
    );
    await queue.start();
    const baggage = propagation.createBaggage({ tenant: { value: 'a'.repeat(2_000) } });
    const stepId = await context.with(propagation.setBaggage(context.active(), baggage), () =>
      queue.submit({ type: 'work' }),
    );
    expect(await queue.waitFor(stepId)).toBe('none');
    await expect.poll(() => named('run work').map(({ links }) => links.length)).toEqual([1]);
  });
});

describe('a propagator', () => {
  const shouting = {
    fields: () => ['x-trace'],
    inject: (from: Parameters<typeof trace.getSpan>[0], into: unknown) => {
      const span = trace.getSpanContext(from);
      if (span !== undefined) (into as Record<string, string>)['x-trace'] = `${span.traceId}/${span.spanId}`;
    },
    extract: (base: Parameters<typeof trace.getSpan>[0], from: unknown) => {
      const [traceId = '', spanId = ''] = ((from as Record<string, string>)['x-trace'] ?? '').split('/');
      return trace.setSpanContext(base, { traceId, spanId, traceFlags: 1 });
    },
  };

  test.each(['the option', 'the global one'])('writes and reads the context: %s', async (which) => {
    const { named } = sdk(which === 'the option' ? { propagator: shouting } : { global: shouting });
    const factory = faultySqlite();
    const queue = newQueue({ store: factory }).register('work', (): null => null);
    await queue.start();
    const stepId = await queue.submit({ type: 'work' });
    await queue.waitFor(stepId);
    await expect.poll(() => named('run work')).toHaveLength(1);
    const { trace: traceId, span } = idsOf(only(named('submit work')));
    expect(only(await factory.store.find([stepId])).payload).toBe(
      `{"type":"work","trace":{"x-trace":"${traceId}/${span}"}}`,
    );
    expect(idsOf(only(named('run work'))).links).toEqual([span]);
  });
});

describe('without a provider', () => {
  test('nothing is stored, and everything runs', async () => {
    const end = traceFleetQ();
    const factory = faultySqlite();
    const queue = newQueue({ store: factory }).register('work', () => 1);
    await queue.start();
    const stepId = await queue.submit({ type: 'work' });
    expect(await queue.waitFor(stepId)).toBe(1);
    expect(only(await factory.store.find([stepId])).payload).toBe('{"type":"work"}');
    end();
  });

  test('a provider that comes later makes the spans', async () => {
    const end = traceFleetQ();
    const queue: AnyFleetQ = newQueue();
    await queue.submit({ type: 'work' });
    end();
    const { named } = sdk();
    await queue.submit({ type: 'work' });
    expect(named('submit work')).toHaveLength(1);
  });
});

test('a sampler that drops a trace makes no spans, and the context still travels', async () => {
  const { spans } = sdk({ sampler: new AlwaysOffSampler() });
  const queue = newQueue().register('work', () => trace.getActiveSpan()?.isRecording() ?? 'none');
  await queue.start();
  expect(await queue.waitFor(await queue.submit({ type: 'work' }))).toBe(false);
  expect(spans()).toEqual([]);
});

test('a tracer that throws disturbs neither submission nor run', async () => {
  const broken = (): never => {
    throw new Error('the tracer is broken');
  };
  const end = traceFleetQ({ tracerProvider: { getTracer: () => ({ startSpan: broken, startActiveSpan: broken }) } });
  const queue = newQueue().register('work', () => 1);
  await queue.start();
  expect(await queue.waitFor(await queue.submit({ type: 'work' }))).toBe(1);
  end();
});

describe('traceFleetQ', () => {
  test('makes no span twice if it is called twice, and none once it has ended', async () => {
    const { spans, end } = sdk();
    traceFleetQ()();
    const queue: AnyFleetQ = newQueue();
    await queue.submit({ type: 'work' });
    expect(spans()).toHaveLength(1);
    end();
    await queue.submit({ type: 'work' });
    expect(spans()).toHaveLength(1);
  });

  test('ends the spans that are open when it ends', async () => {
    const { named, end } = sdk();
    const queue = newQueue({ drainTimeoutMs: 0 }).register('work', () => new Promise<null>(() => undefined));
    await queue.start();
    const started = nextEvent(queue, 'step:started');
    await queue.submit({ type: 'work' });
    await started;
    end();
    await expect.poll(() => named('run work')).toHaveLength(1);
  });

  test.each([
    [{ relaton: 'parent' }, 'relaton: is unknown; the options are tracerProvider, propagator, relation'],
    [{ relation: 'child' }, "relation: expected 'link' or 'parent', got 'child'"],
    [{ tracerProvider: 1 }, 'tracerProvider: expected a TracerProvider, got 1'],
    [{ propagator: {} }, 'propagator: expected a TextMapPropagator, got {}'],
    [null, 'options: expected an object, got null'],
  ])('refuses %j', (options, message) => {
    expect(() => traceFleetQ(options as never)).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID', message }) as Error,
    );
  });
});

/** The tracing channel `fleet-q:run`: what is published of a run, when, and in which context the handler runs. */
import { tracingChannel } from 'node:diagnostics_channel';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { defineStep, FleetQ, type AnyFleetQ, type RunTrace } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { boundTo, enterRequest, inRequest, requestName } from '../support/contexts.js';
import { faultySqlite, newQueue, nextEvent, stopped, temporaryPath } from '../support/queues.js';
import { at, phases, runEvents, submitEvents } from './events.js';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const { start } = tracingChannel<unknown, RunTrace>('fleet-q:run');
const ALL = ['start', 'end', 'asyncStart', 'asyncEnd'];
const FAILED = ['start', 'end', 'error', 'asyncStart', 'asyncEnd'];

/** Waits until a step has ended. */
const settled = (queue: AnyFleetQ, stepId: string) =>
  queue.waitFor(stepId, { timeoutMs: 20_000 }).catch(() => undefined);

describe('a run', () => {
  test('is published from before its handler is called until the store has confirmed its outcome', async () => {
    const order: string[] = [];
    const note = (what: string) => () => void order.push(what);
    const events = runEvents({
      start: note('start'),
      end: note('end'),
      asyncStart: note('asyncStart'),
      asyncEnd: note('asyncEnd'),
    });
    const queue = newQueue({ podId: 'pod-1' }).register('work', async () => {
      order.push('called');
      await turn();
      order.push('returned');
      return 1;
    });
    queue.on('step:started', note('started'));
    queue.on('step:completed', note('completed'));
    await queue.start();
    const stepId = await queue.submit({ type: 'work', metadata: { user: 'a' } });
    await queue.waitFor(stepId);
    await expect.poll(() => order).toHaveLength(8);
    expect(order).toEqual(['started', 'start', 'called', 'end', 'returned', 'asyncStart', 'completed', 'asyncEnd']);
    const started = { podId: 'pod-1', stepId, type: 'work', attempt: 1, maxRetries: 3, metadata: { user: 'a' } };
    expect(at(events, 'start')).toMatchObject([{ ...started, carrier: undefined }]);
    expect(at(events, 'asyncEnd')).toMatchObject([
      { ...started, durationMs: expect.any(Number) as number, isTimedOut: false, isStray: false, outcome: 'completed' },
    ]);
    expect(new Set(events.map(({ trace }) => trace)).size).toBe(1);
  });

  test('of a handler that returns a value has the same events', async () => {
    const events = runEvents();
    const queue = newQueue().register('work', () => 1);
    await queue.start();
    await queue.waitFor(await queue.submit({ type: 'work' }));
    await expect.poll(() => phases(events)).toEqual(ALL);
  });

  test('that fails has its error, and says whether the step is retried', async () => {
    const events = runEvents();
    const queue = newQueue().register(
      'work',
      (async: boolean): null | Promise<null> => {
        const error = Object.assign(new TypeError('no luck'), { code: 'E_LUCK' });
        if (async) return Promise.reject(error);
        throw error;
      },
      { maxRetries: 1 },
    );
    await queue.start();
    for (const async of [false, true]) {
      await settled(queue, await queue.submit({ type: 'work', args: async }));
      await expect.poll(() => at(events, 'asyncEnd')).toHaveLength(async ? 4 : 2);
    }
    for (const one of new Set(events.map(({ trace }) => trace)))
      expect(phases(events.filter(({ trace }) => trace === one))).toEqual(FAILED);
    const error = { name: 'TypeError', message: 'no luck', code: 'E_LUCK', stack: expect.any(String) as string };
    expect(at(events, 'error')).toMatchObject(Array.from({ length: 4 }, () => ({ error })));
    expect(at(events, 'asyncEnd').map(({ attempt, outcome, delayMs }) => [attempt, outcome, typeof delayMs])).toEqual([
      [1, 'retrying', 'number'],
      [2, 'failed', 'undefined'],
      [1, 'retrying', 'number'],
      [2, 'failed', 'undefined'],
    ]);
  });

  test('that is released, cancelled, timed out or ignored its abort says so', async () => {
    const events = runEvents();
    const never = new Promise<null>(() => undefined);
    const queue = newQueue()
      .register('release', (_: unknown, ctx): null => (ctx.attempt === 1 ? ctx.release({ delayMs: 3_600_000 }) : null))
      .register(
        'cancel',
        (_: unknown, { signal }) =>
          new Promise<null>((_resolve, reject) =>
            signal.addEventListener('abort', () => reject(signal.reason as Error)),
          ),
      )
      .register(
        'late',
        async (_: unknown, { signal }) => {
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          throw signal.reason;
        },
        { timeoutMs: 20, maxRetries: 0 },
      )
      .register('deaf', () => never, { timeoutMs: 20, maxRetries: 0 });
    await queue.start();
    const released = nextEvent(queue, 'step:released');
    await queue.submit({ type: 'release' });
    await released;
    const started = nextEvent(queue, 'step:started');
    const cancelled = await queue.submit({ type: 'cancel' });
    await started;
    await queue.cancel(cancelled);
    for (const type of ['late', 'deaf'] as const) await settled(queue, await queue.submit({ type }));
    await expect.poll(() => at(events, 'asyncEnd')).toHaveLength(4);
    const ends = Object.fromEntries(at(events, 'asyncEnd').map((trace) => [trace.type, trace]));
    expect(ends).toMatchObject({
      release: { outcome: 'released', delayMs: 3_600_000, isTimedOut: false },
      cancel: { outcome: 'cancelled', isTimedOut: false },
      late: { outcome: 'failed', isTimedOut: true, isStray: false, error: { code: 'STEP_TIMED_OUT' } },
      deaf: { outcome: 'failed', isTimedOut: true, isStray: true, error: { code: 'STEP_TIMED_OUT' } },
    });
    expect(ends['release']?.error).toBeUndefined();
    expect(ends['cancel']?.error).toBeUndefined();
  });

  test('whose claim was lost says so', async () => {
    const events = runEvents();
    const path = temporaryPath();
    const queue = stopped(new FleetQ({ store: sqlite({ path }) })).register('work', (): null => {
      const database = new Database(path);
      database.prepare(`UPDATE STEP_TRACKER SET version = version + 1, status = 'failed'`).run();
      database.close();
      return null;
    });
    await queue.start();
    const lost = nextEvent(queue, 'step:lost');
    await queue.submit({ type: 'work' });
    await lost;
    await expect.poll(() => at(events, 'asyncEnd')).toMatchObject([{ outcome: 'lost' }]);
  });

  test('whose outcome the store does not confirm before the queue stops is ended all the same', async () => {
    const events = runEvents();
    const factory = faultySqlite();
    const queue = newQueue({ store: factory, drainTimeoutMs: 10 }).register('work', (): null => {
      factory.store.plan = ({ verb }) => (verb === 'exchange' ? { fails: 'before' } : undefined);
      return null;
    });
    await queue.start();
    await queue.submit({ type: 'work' });
    await expect.poll(() => at(events, 'asyncStart')).toHaveLength(1);
    expect(at(events, 'asyncEnd')).toEqual([]);
    await queue.stop();
    expect(at(events, 'asyncEnd')).toMatchObject([{ outcome: 'unconfirmed' }]);
  });

  test('is not published if nobody subscribes, and only from its start on', async () => {
    let go = (): void => undefined;
    const queue = newQueue().register('work', () => new Promise<void>((resolve) => (go = resolve)));
    await queue.start();
    const started = nextEvent(queue, 'step:started');
    const stepId = await queue.submit({ type: 'work' });
    await started;
    const events = runEvents();
    go();
    await queue.waitFor(stepId);
    await queue.stop();
    expect(events).toEqual([]);
  });
});

describe('the carrier of a step', () => {
  const carrier = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };

  test('comes back in each of its runs: of a retry, of a retry by hand, and of a recovered claim', async () => {
    submitEvents({ start: (trace) => void (trace.carrier = carrier) });
    const events = runEvents();
    const path = temporaryPath();
    const client = stopped(new FleetQ({ store: sqlite({ path }) })) as AnyFleetQ;
    const stepId = await client.submit({ type: 'work', maxRetries: 1 });
    const database = new Database(path);
    // A pod that is not known holds it: an orphan.
    database
      .prepare(
        `UPDATE STEP_TRACKER SET status = 'claimed', due = 0, claim_token = 't', claimed_by = 'gone', claimed_incarnation = 'gone'`,
      )
      .run();
    database.close();
    const queue = newQueue({ store: sqlite({ path }), recoveryIntervalMs: 50, retry: { baseMs: 1, capMs: 1 } });
    let runs = 0;
    const pod = queue.register(
      'work',
      (): null => {
        if (++runs < 4) throw new Error('again');
        return null;
      },
      { maxRetries: 1 },
    );
    await pod.start();
    await settled(queue, stepId);
    expect(await queue.retry(stepId)).toBe('retried');
    await settled(queue, stepId);
    await expect.poll(() => at(events, 'start')).toHaveLength(4);
    for (const trace of at(events, 'start')) expect(trace).toMatchObject({ stepId, carrier });
  });

  test('is not that of the steps that its handler submits', async () => {
    let first = true;
    submitEvents({ start: (trace) => void (first && (trace.carrier = carrier), (first = false)) });
    const events = runEvents();
    const child = defineStep({ type: 'child', run: () => 1 });
    const queue = newQueue()
      .register(child)
      .register('parent', async (_: undefined, ctx): Promise<string> => ctx.submit(child));
    await queue.start();
    await settled(queue, await queue.waitFor(await queue.submit({ type: 'parent' })));
    expect(at(events, 'start')).toMatchObject([
      { type: 'parent', carrier },
      { type: 'child', carrier: undefined },
    ]);
  });

  test.each([
    ['"text"', undefined],
    ['[1]', undefined],
    ['{"a":{"b":1}}', undefined],
    ['{"traceparent":"x"}', { traceparent: 'x' }],
    [`{"a":"${'x'.repeat(5_000)}"}`, undefined],
  ])('is read leniently in a row that plain SQL has inserted: %s', async (trace, expected) => {
    const path = temporaryPath();
    const events = runEvents();
    const queue = stopped(new FleetQ({ store: sqlite({ path }) })).register('work', (args: number) => args + 1);
    await queue.start();
    const database = new Database(path);
    database
      .prepare('INSERT INTO STEP_TRACKER (step_id, payload) VALUES (?, ?)')
      .run('by-hand', `{"trace":${trace},"args":41,"type":"work"}`);
    database.close();
    expect(await queue.waitFor('by-hand')).toBe(42);
    expect(at(events, 'start')[0]?.carrier).toEqual(expected);
  });
});

describe('the context of a traced run', () => {
  /** A Standard Schema that takes anything. */
  const schema = (validate: (value: unknown) => { value: unknown } | Promise<{ value: unknown }>) =>
    ({ '~standard': { version: 1, vendor: 'test', validate } }) as StandardSchemaV1<unknown, unknown>;

  /** Handlers of all kinds that note the request in which they run. */
  function noting() {
    const seen: string[] = [];
    const note = (): void => void seen.push(requestName());
    const child = defineStep({ type: 'child', run: () => 1 });
    const queue = newQueue({ maxParallelism: 2 })
      .register(child)
      .register('sync', () => note())
      .register('async', async () => {
        note();
        await turn();
        note();
      })
      .register(
        'narrow',
        async () => {
          note();
          await turn();
          note();
        },
        { concurrency: 1 },
      )
      .register(defineStep({ type: 'checked', args: schema(async (value) => ({ value })), run: () => note() }));
    return { queue, seen };
  }
  const TYPES = ['sync', 'async', 'narrow', 'checked'] as const;

  test('is that of the stores that are bound to the channel, for every kind of handler', async () => {
    const { queue, seen } = noting();
    boundTo(start, 'traced');
    await inRequest('boot', () => queue.start());
    const ids = await Promise.all(
      [...TYPES, ...TYPES].map((type, i) => inRequest(`request ${i}`, () => queue.submit({ type }))),
    );
    await Promise.all(ids.map((id) => queue.waitFor(id)));
    expect(seen).toHaveLength(12);
    expect(new Set(seen)).toEqual(new Set(['traced']));
  });

  test('is that of start if the subscribers set none: never that of the submitter', async () => {
    runEvents();
    submitEvents();
    const { queue, seen } = noting();
    await inRequest('boot', () => queue.start());
    const ids = await Promise.all(
      [...TYPES, ...TYPES].map((type, i) => inRequest(`request ${i}`, () => queue.submit({ type }))),
    );
    await Promise.all(ids.map((id) => queue.waitFor(id)));
    expect(new Set(seen)).toEqual(new Set(['boot']));
  });

  test('is what subscribers wrap around the call, the last one outermost', async () => {
    const order: string[] = [];
    const around = (name: string) => (trace: RunTrace) =>
      trace.runInside((call) => {
        order.push(`${name} in`);
        try {
          return inRequest(name, call);
        } finally {
          order.push(`${name} out`);
        }
      });
    runEvents({ start: around('inner') });
    runEvents({ start: around('outer') });
    const { queue, seen } = noting();
    await queue.start();
    await queue.waitFor(await queue.submit({ type: 'async' }));
    expect(seen).toEqual(['inner', 'inner']);
    expect(order).toEqual(['outer in', 'inner in', 'inner out', 'outer out']);
  });

  test.each(['bound', 'subscribed'])('ends with the run, and reaches no listener of the queue: %s', async (how) => {
    if (how === 'bound') boundTo(start, 'traced');
    const seen: string[] = [];
    const handlers: string[] = [];
    const queue = newQueue().register('work', () => {
      handlers.push(requestName());
      enterRequest('entered');
    });
    for (const event of ['step:submitted', 'step:claimed', 'step:started', 'step:completed'] as const)
      queue.on(event, () => void seen.push(requestName()));
    runEvents({ asyncStart: () => void seen.push(requestName()), asyncEnd: () => void seen.push(requestName()) });
    await inRequest('boot', () => queue.start());
    const ids = await queue.submitMany([{ type: 'work' }, { type: 'work' }, { type: 'work' }]);
    await Promise.all(ids.map((id) => queue.waitFor(id)));
    await expect.poll(() => seen).toHaveLength(6 * 3);
    expect(new Set(seen)).toEqual(new Set(['boot']));
    expect(new Set(handlers)).toEqual(new Set([how === 'bound' ? 'traced' : 'boot']));
  });

  test('reaches the listeners of the signal and the steps that the handler submits', async () => {
    boundTo(start, 'traced');
    const seen: string[] = [];
    submitEvents({ start: (trace) => void (trace.type === 'child' && seen.push(`submit: ${requestName()}`)) });
    const child = defineStep({ type: 'child', run: () => void seen.push(`child: ${requestName()}`) });
    const queue = newQueue({ abortGraceMs: 5_000 })
      .register(child)
      .register('work', async (_: undefined, ctx): Promise<null> => {
        await ctx.submit(child);
        await ctx.submitMany(child, [undefined], (_args, i) => ({ name: `${i}` }));
        await new Promise<void>((resolve) =>
          ctx.signal.addEventListener('abort', () => {
            seen.push(`abort: ${requestName()}`);
            resolve();
          }),
        );
        return null;
      });
    await queue.start();
    const stepId = await inRequest('a request', () => queue.submit({ type: 'work' }));
    await expect.poll(() => seen).toHaveLength(4);
    await inRequest('a request', () => queue.cancel(stepId));
    await expect.poll(() => seen).toHaveLength(5);
    expect(seen.sort()).toEqual([
      'abort: traced',
      'child: traced',
      'child: traced',
      'submit: traced',
      'submit: traced',
    ]);
  });
});

test('the listeners of a signal run in the context in which the handler read it', async () => {
  const seen: string[] = [];
  const queue = newQueue({ abortGraceMs: 5_000 }).register('work', (_: unknown, ctx) =>
    inRequest('own', () => {
      const { signal } = ctx;
      return new Promise<void>((resolve) =>
        signal.addEventListener('abort', () => {
          seen.push(requestName());
          resolve();
        }),
      );
    }),
  );
  await inRequest('boot', () => queue.start());
  const started = nextEvent(queue, 'step:started');
  const stepId = await queue.submit({ type: 'work' });
  await started;
  await inRequest('cancel', () => queue.cancel(stepId));
  await expect.poll(() => seen).toEqual(['own']);
});

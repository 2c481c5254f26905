/** The async contexts of a host: requests, as an `AsyncLocalStorage` sees them, and the queue that they share. */
import { writeFileSync } from 'node:fs';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { describe, expect, test } from 'vitest';
import { sqlite } from 'fleet-q/sqlite';
import { defineStep, FleetQ, type AnyFleetQ } from 'fleet-q';
import { VirtualRuntime } from 'fleet-q/testing';
import { createdInRequests, enterRequest, finishedRequest, inRequest, kept, requestName } from '../support/contexts.js';
import { scripted } from '../support/faulty-store.js';
import { faultySqlite, newQueue, QUICK, stopped, temporaryPath } from '../support/queues.js';

/** A Standard Schema that takes anything. */
const schema = (validate: (value: unknown) => { value: unknown } | Promise<{ value: unknown }>) =>
  ({ '~standard': { version: 1, vendor: 'test', validate } }) as StandardSchemaV1<unknown, unknown>;

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A queue that notes in which request each handler and each listener runs. */
function noting(options: Parameters<typeof newQueue>[0] = {}) {
  const handlers: string[] = [];
  const listeners: string[] = [];
  const queue = newQueue({ maxParallelism: 3, ...options })
    .register('work', async () => {
      handlers.push(requestName());
      await turn();
      handlers.push(requestName());
    })
    .register('narrow', () => void handlers.push(requestName()), { concurrency: 1 })
    .register(
      defineStep({
        type: 'checked',
        args: schema(async (value) => ({ value })),
        run: () => void handlers.push(requestName()),
      }),
    );
  for (const event of ['step:submitted', 'step:claimed', 'step:started', 'step:completed'] as const) {
    queue.on(event, () => void listeners.push(requestName()));
  }
  return { queue, handlers, listeners };
}

describe('handlers and listeners', () => {
  test('run in the context of start, whichever request woke the pool, filled a slot or shared a commit', async () => {
    const { queue, handlers, listeners } = noting();
    await inRequest('boot', () => queue.start());
    const types = ['work', 'narrow', 'checked'] as const;
    const request = (name: string): Promise<string>[] =>
      types.map((type, i) => inRequest(name, () => queue.submit({ type, delayMs: i * 10 })));
    const ids = await Promise.all(['a', 'b', 'c', 'd', 'e'].flatMap(request));
    await Promise.all(ids.map((id) => inRequest('waiting', () => queue.waitFor(id))));
    const many = await inRequest('bulk', () => queue.submitMany([{ type: 'work' }, { type: 'work' }]));
    await Promise.all(many.map((id) => queue.waitFor(id)));
    await expect.poll(() => listeners.length).toBe(4 * 17);
    expect(handlers).toHaveLength(2 * 7 + 10);
    expect(new Set([...handlers, ...listeners])).toEqual(new Set(['boot']));
  });

  test('run in the context of the constructor if the queue never starts', async () => {
    const { queue, listeners } = inRequest('construction', () => noting());
    await inRequest('request', () => queue.submit({ type: 'work' }));
    expect(listeners).toEqual(['construction']);
  });

  test('run in the context of start, whichever request pauses, resumes, retries or recovers', async () => {
    const seen: string[] = [];
    const queue = newQueue().register('fail once', (_: unknown, { attempt }) => {
      seen.push(requestName());
      if (attempt === 1 && seen.length === 1) throw new Error('once');
    });
    for (const event of ['step:failed', 'step:released', 'recovery:completed', 'queue:stopped'] as const)
      queue.on(event, () => void seen.push(requestName()));
    await inRequest('boot', () => queue.start());
    inRequest('pause', () => queue.pause());
    const id = await queue.submit({ type: 'fail once', maxRetries: 0 });
    inRequest('resume', () => queue.resume());
    await expect(queue.waitFor(id)).rejects.toMatchObject({ code: 'STEP_FAILED' });
    expect(await inRequest('retry', () => queue.retry(id))).toBe('retried');
    await queue.waitFor(id);
    await inRequest('recovery', () => queue.runRecovery({ force: true }));
    await inRequest('stop', () => queue.stop());
    expect(seen.length).toBeGreaterThanOrEqual(4);
    expect(new Set(seen)).toEqual(new Set(['boot']));
  });

  test('do not see what another handler or listener has set for itself', async () => {
    const seen: string[] = [];
    const note = (name: string): void => {
      seen.push(requestName());
      enterRequest(name);
    };
    const queue = newQueue()
      .register('sync', () => note('sync'))
      .register('async', async () => {
        note('async');
        await turn();
        expect(requestName()).toBe('async');
      })
      .register('narrow', () => note('narrow'), { concurrency: 1 })
      .register(defineStep({ type: 'checked', args: schema((value) => ({ value })), run: () => note('checked') }));
    queue.on('step:claimed', () => note('claimed'));
    queue.on('step:started', () => note('started'));
    queue.on('step:completed', () => note('completed'));
    await queue.start();
    const types = ['sync', 'async', 'narrow', 'checked'] as const;
    const ids = await queue.submitMany([...types, ...types, ...types].map((type) => ({ type })));
    await Promise.all(ids.map((id) => queue.waitFor(id)));
    await expect.poll(() => seen.length).toBe(4 * ids.length);
    expect(new Set(seen)).toEqual(new Set(['none']));
  });

  test('are aborted in the context of start, not in that of the request that cancels', async () => {
    const seen: string[] = [];
    const queue = newQueue().register('long', async (_: unknown, { signal }) => {
      await new Promise<void>((resolve) =>
        signal.addEventListener('abort', () => {
          seen.push(requestName());
          enterRequest('abort'); // no handler or listener sees it
          resolve();
        }),
      );
    });
    await inRequest('boot', () => queue.start());
    for (let i = 0; i < 3; i++) {
      const started = new Promise((resolve) => queue.once('step:started', resolve));
      const id = await queue.submit({ type: 'long' });
      await started;
      expect(await inRequest('cancel', () => queue.cancel(id))).toBe('cancelled');
    }
    expect(seen).toEqual(['boot', 'boot', 'boot']);
  });

  test('are given up in the context of start if they ignore a cancellation', async () => {
    const seen: string[] = [];
    const warn = (_: unknown, message: string): void => {
      if (message.includes('ignored its abort')) seen.push(requestName());
    };
    const logger = { debug: () => {}, info: () => {}, warn, error: () => {} };
    let goOn = (): void => {};
    const queue = newQueue({ logger }).register('deaf', () => new Promise<void>((resolve) => (goOn = resolve)), {
      timeoutMs: 60_000,
    });
    await inRequest('boot', () => queue.start());
    const started = new Promise((resolve) => queue.once('step:started', resolve));
    const id = await queue.submit({ type: 'deaf' });
    await started;
    const created = createdInRequests((name) => name === 'cancel');
    expect(await inRequest('cancel', () => queue.cancel(id))).toBe('cancelled');
    await expect.poll(() => seen).toEqual(['boot']);
    expect(created).toEqual([]);
    goOn();
  });

  test('do not see what another has set for itself when they are aborted together', async () => {
    const seen: string[] = [];
    const queue = newQueue({ drainTimeoutMs: 0 }).register('long', (_: unknown, { signal }) => {
      return new Promise<void>((resolve) =>
        signal.addEventListener('abort', () => {
          seen.push(requestName());
          enterRequest('abort');
          resolve();
        }),
      );
    });
    await queue.start();
    let running = 0;
    const started = new Promise<void>((resolve) => {
      queue.on('step:started', () => {
        if (++running === 3) resolve();
      });
    });
    await queue.submitMany([{ type: 'long' }, { type: 'long' }, { type: 'long' }]);
    await started;
    await queue.stop();
    expect(seen).toEqual(['none', 'none', 'none']);
  });

  test('are timed out in the context of start', async () => {
    const runtime = new VirtualRuntime();
    const seen: string[] = [];
    const queue = stopped(
      new FleetQ({ store: sqlite({ path: ':memory:' }), runtime, heartbeatIntervalMs: 60_000 }).register(
        'slow',
        (_: unknown, { signal }) =>
          new Promise<void>((resolve) =>
            signal.addEventListener('abort', () => {
              seen.push(requestName());
              resolve();
            }),
          ),
        { timeoutMs: 1_000, maxRetries: 0 },
      ),
    );
    await inRequest('boot', () => runtime.until(queue.start()));
    const id = await inRequest('a request', () => runtime.until(queue.submit({ type: 'slow' })));
    await inRequest('waiting', () => runtime.until(queue.waitFor(id).catch(() => undefined)));
    await runtime.until(queue.stop());
    expect(seen).toEqual(['boot']);
  });
});

describe('a caller', () => {
  test('continues in its own context after everything that it awaits', async () => {
    const { queue } = noting();
    await inRequest('boot', () => queue.start());
    const own = async (name: string): Promise<void> => {
      const seen: string[] = [];
      const note = (): void => void seen.push(requestName());
      const id = await queue.submit({ type: 'work' }).finally(note);
      note();
      await queue.submitMany([{ type: 'work' }]).finally(note);
      await queue.waitFor(id).finally(note);
      await queue.waitFor(id, { signal: new AbortController().signal, timeoutMs: 10_000 }).then(note);
      await queue.getStep(id).finally(note);
      await queue.cancel(id).finally(note);
      await queue.retry(id).finally(note);
      await queue.stats().finally(note);
      await queue.leader().finally(note);
      for await (const _ of queue.listSteps({ pageSize: 1 })) note();
      await queue.waitFor('missing').catch(note);
      expect(new Set(seen)).toEqual(new Set([name]));
    };
    await Promise.all(['a', 'b', 'c'].map((name) => inRequest(name, () => own(name))));
  });

  test('has its own context while its steps are read and checked', async () => {
    const seen: string[] = [];
    const note = <T>(value: T): T => (seen.push(requestName()), value);
    const checked = defineStep({ type: 'checked', args: schema((value) => note({ value })), run: () => 1 });
    const queue = newQueue().register(checked);
    const steps = function* () {
      yield note({ type: 'checked' as const, args: { toJSON: () => note('json') } });
    };
    await inRequest('a', () => queue.submitMany(steps() as never));
    expect(seen.length).toBeGreaterThanOrEqual(2);
    expect(new Set(seen)).toEqual(new Set(['a']));
  });

  test('that is a handler passes its context on to the functions that it calls', async () => {
    const child = newQueue().register('child', (n: number) => n * 2);
    const parent = newQueue().register('parent', async () => {
      enterRequest('parent');
      const result = await child.waitFor(await child.submit({ type: 'child', args: 21 }));
      return { result, seen: requestName() };
    });
    await Promise.all([child.start(), parent.start()]);
    expect(await parent.waitFor(await parent.submit({ type: 'parent' }))).toEqual({ result: 42, seen: 'parent' });
  });
});

/** Every call that a request may make, the first of which opens the store. */
const CALLS: Readonly<Record<string, (queue: AnyFleetQ) => Promise<unknown> | void>> = {
  submit: (queue) => queue.submit({ type: 'work' }),
  submitMany: (queue) => queue.submitMany([{ type: 'work' }, { type: 'work' }]),
  waitFor: async (queue) => queue.waitFor(await queue.submit({ type: 'work' }), { timeoutMs: 10_000 }),
  'a wait that ends': (queue) => queue.waitFor('missing').catch(() => undefined),
  getStep: (queue) => queue.getStep('missing').catch(() => undefined),
  listSteps: (queue) => queue.listSteps({ type: 'other' }).page(),
  stats: (queue) => queue.stats(),
  leader: (queue) => queue.leader(),
  cancel: async (queue) => queue.cancel(await queue.submit({ type: 'work' })),
  retry: async (queue) => queue.retry(await queue.submit({ type: 'work' })),
  pause: (queue) => queue.pause(),
  resume: (queue) => queue.resume(),
  runRecovery: (queue) => queue.runRecovery({ force: true }).catch(() => undefined),
  recoveryHistory: (queue) => queue.recoveryHistory().catch(() => undefined),
};

describe('a request that has ended', () => {
  for (const started of [false, true]) {
    test(`leaves no timer, watcher, thread or other handle in its context: ${started ? 'a pod' : 'a client'}`, async () => {
      for (const first of Object.keys(CALLS)) {
        const queue = stopped(new FleetQ({ store: sqlite({ path: temporaryPath() }), ...QUICK })).register(
          'work',
          () => 1,
        );
        if (started) await queue.start();
        const created = createdInRequests();
        // A client waits for nothing that only a pod would do.
        for (const name of [first, 'resume', ...Object.keys(CALLS)]) {
          if (started || name !== 'waitFor') await inRequest(name, () => CALLS[name]?.(queue));
        }
        await inRequest('stop', () => queue.stop());
        expect(created, first).toEqual([]);
      }
    });

    test(`is not kept in memory by the queue: ${started ? 'a pod' : 'a client'}`, async () => {
      const queue = stopped(new FleetQ({ store: sqlite({ path: temporaryPath() }), ...QUICK })).register(
        'work',
        () => 1,
      );
      const requests: WeakRef<{ readonly name: string }>[] = [];
      if (!started) requests.push(await finishedRequest('open', () => queue.submit({ type: 'work' })));
      else await queue.start();
      for (const [name, call] of Object.entries(CALLS)) {
        if (started || name !== 'waitFor') requests.push(await finishedRequest(name, async () => call(queue)));
      }
      expect(await kept(requests)).toEqual([]);
    });
  }

  test('is not kept by a wait that goes on without it', async () => {
    const queue = newQueue().register('work', () => 1); // no pod runs it
    const id = await queue.submit({ type: 'work' });
    const ending = new AbortController();
    const waits: Promise<unknown>[] = [];
    const request = await finishedRequest('fire and forget', async () => {
      const wait = queue.waitFor(id, { signal: ending.signal, timeoutMs: 60_000 });
      waits.push(wait.catch(() => undefined));
    });
    const created = createdInRequests();
    await inRequest('another', async () => {
      waits.push(queue.waitFor(id, { timeoutMs: 60_000 }).catch(() => undefined));
    });
    expect(created).toEqual([]);
    ending.abort();
    await queue.stop();
    await Promise.all(waits.splice(0));
    expect(await kept([request])).toEqual([]);
  });

  test('is not kept by the commits that follow its own', async () => {
    let commits = 0;
    const others: Promise<unknown>[] = [];
    const factory = faultySqlite(({ verb }) => {
      if (verb !== 'submit') return undefined;
      if (commits++ < 1_000_000) others.push(queue.submit({ type: 'work' })); // so that another always follows
      return { delayMs: 1 };
    });
    const queue: FleetQ<{ work: { args: unknown; result: number } }> = newQueue({ store: factory }).register(
      'work',
      () => 1,
    );
    const request = await finishedRequest('first', () => queue.submit({ type: 'work' }));
    const before = commits;
    expect(await kept([request])).toEqual([]);
    await expect.poll(() => commits).toBeGreaterThan(before);
    commits = Infinity;
    await Promise.all(others);
  });

  test('leaves nothing in its context if its calls had to be repeated', async () => {
    const lost = [{ fails: 'after' }, { fails: 'before' }, undefined] as const;
    const factory = faultySqlite(scripted({ submit: [...lost, ...lost], cancel: lost, retry: lost }));
    const queue = newQueue({ store: factory }).register('work', () => 1);
    const created = createdInRequests();
    const receipts: string[] = [];
    const request = await finishedRequest('lost replies', async () => {
      const [id = ''] = await queue.submitMany([{ type: 'work' }]);
      await queue.submit({ type: 'work' });
      receipts.push(await queue.cancel(id), await queue.retry(id));
    });
    expect(receipts).toEqual(['cancelled', 'retried']);
    expect(created).toEqual([]);
    expect(await kept([request])).toEqual([]);
  });

  test('leaves nothing in its context if the store could not be opened', async () => {
    const path = temporaryPath();
    writeFileSync(path, 'no database'.repeat(1_000));
    const queue = newQueue({ store: sqlite({ path }) });
    const created = createdInRequests();
    let refusal: unknown;
    const request = await finishedRequest('refused', () => queue.stats().catch((error: unknown) => (refusal = error)));
    expect(refusal).toMatchObject({ code: 'STORE_NOT_A_DATABASE' });
    expect(created).toEqual([]);
    expect(await kept([request])).toEqual([]);
  });
});

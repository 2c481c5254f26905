/** The life of a queue: made, started, stopped, in any order. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import { FleetQ, StoppedError, type SubmitIncompleteError } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { VirtualRuntime } from 'fleet-q/testing';
import type { ExchangeRequest } from '../../src/store/contract.js';
import { faultySqlite, newQueue, nextEvent, QUICK, temporaryPath } from '../support/queues.js';

describe('start and stop', () => {
  test('a second start returns the first one', async () => {
    const queue = newQueue();
    const first = queue.start();
    expect(queue.start()).toBe(first);
    await first;
    expect(queue.health().status).toBe('healthy');
  });

  test('a second stop returns the first one, and stop before start does nothing', async () => {
    const queue = newQueue();
    const first = queue.stop();
    expect(queue.stop()).toBe(first);
    await first;
  });

  test('stop during start: start rejects with STOPPED, and nothing is left', async () => {
    const factory = faultySqlite(({ verb }) => (verb === 'register' ? { delayMs: 50 } : undefined));
    const queue = newQueue({ store: factory });
    const starting = queue.start();
    const stopping = queue.stop();
    await expect(starting).rejects.toMatchObject({ code: 'STOPPED' });
    await stopping;
    expect(queue.health().status).toBe('unhealthy');
  });

  test('stop resolves at once while start waits for a store that does not answer', async () => {
    const runtime = new VirtualRuntime();
    const factory = faultySqlite(({ verb }) => (verb === 'heartbeat' ? { delayMs: 600_000 } : undefined));
    const queue = newQueue({ store: factory, runtime });
    const starting = queue.start();
    const refused = expect(starting).rejects.toBeInstanceOf(StoppedError);
    await expect.poll(() => factory.store.count('heartbeat')).toBe(1);
    let stopped = false;
    void queue.stop().then(() => (stopped = true));
    await expect.poll(() => stopped).toBe(true);
    await refused;
  });

  test(
    'after a stop at any moment of a start, nothing is claimed and no event reports the start',
    { timeout: 60_000 },
    async () => {
      const outcomes = new Set<unknown>();
      for (let turns = 0; turns < 40; turns++) {
        const factory = faultySqlite();
        const lines: string[] = [];
        const logger = { debug() {}, info: (_: object, line: string) => lines.push(line), warn() {}, error() {} };
        const queue = newQueue({ store: factory, logger }).register('a', () => 1);
        await queue.submit({ type: 'a' });
        const joined = nextEvent(queue, 'pod:joined');
        const starting = queue.start().then(
          () => 'started',
          (error: unknown) => (error as { code: unknown }).code,
        );
        await joined;
        for (let turn = 0; turn < turns; turn++) await Promise.resolve();
        const from = factory.store.calls.length;
        lines.length = 0;
        await queue.stop();
        expect(lines).not.toContain('started');
        outcomes.add(await starting);
        const claiming = factory.store.calls
          .slice(from)
          .filter(({ verb, args }) => verb === 'exchange' && (args[0] as ExchangeRequest).claim !== undefined);
        expect(claiming, `${turns} turns after the pod has joined`).toEqual([]);
        expect(queue.health().status).toBe('unhealthy');
      }
      expect(outcomes).toEqual(new Set(['started', 'STOPPED']));
    },
  );

  test('stop while a submission waits to be repeated leaves no timer, and reports the error of the store', async () => {
    const runtime = new VirtualRuntime();
    const factory = faultySqlite(({ verb }) => (verb === 'submit' ? { fails: 'before' } : undefined));
    const queue = newQueue({ store: factory, runtime }).register('a', () => 1);
    const refused = expect(queue.submit({ type: 'a' })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await expect.poll(() => runtime.pending).toBe(2); // the repeat, and the question whether the store answers
    await runtime.until(queue.stop());
    expect(runtime.pending).toBe(0);
    await refused;
  });

  test('stop waits two seconds for a submission that the store never answers', async () => {
    const runtime = new VirtualRuntime();
    const factory = faultySqlite(({ verb }) => (verb === 'submit' ? { delayMs: 300_000 } : undefined));
    const queue = newQueue({ store: factory, runtime }).register('a', () => 1);
    const submitting = queue.submit({ type: 'a' }).catch((error: unknown) => error);
    await expect.poll(() => factory.store.count('submit')).toBe(1);
    const before = runtime.monotonicMs();
    await runtime.until(queue.stop());
    expect(runtime.monotonicMs() - before).toBe(2_000);
    await submitting;
  });

  test('a stop during submitMany: the error lists exactly the steps that are stored', async () => {
    const path = temporaryPath();
    const queue = newQueue({ store: sqlite({ path }) }).register('a', (n: number) => n);
    let stopping: Promise<void> | undefined;
    queue.on('step:submitted', () => void (stopping ??= queue.stop()));
    const submitting = queue.submitMany(Array.from({ length: 2_000 }, (_, args) => ({ type: 'a', args })));
    const error = await submitting.then(
      () => undefined,
      (thrown: unknown) => thrown as SubmitIncompleteError,
    );
    await stopping;
    expect(error).toMatchObject({ code: 'SUBMIT_INCOMPLETE', cause: { code: 'STOPPED' } });
    expect(error?.stepIds.length).toBeGreaterThan(0);
    const later = newQueue({ store: sqlite({ path }) });
    expect((await later.stats()).pendingSteps).toBe(error?.stepIds.length);
    for (const id of error?.stepIds ?? []) expect((await later.getStep(id)).status).toBe('pending');
  });

  test('after stop, start and every call that needs the store are refused with STOPPED', async () => {
    const queue = newQueue().register('a', () => 1);
    await queue.stop();
    const refused: readonly (readonly [string, () => Promise<unknown>])[] = [
      ['start', () => queue.start()],
      ['submit', () => queue.submit({ type: 'a' })],
      ['submitMany', () => queue.submitMany([{ type: 'a' }])],
      ['getStep', () => queue.getStep('x')],
      ['waitFor', () => queue.waitFor('x')],
      ['cancel', () => queue.cancel('x')],
      ['retry', () => queue.retry('x')],
      ['stats', () => queue.stats()],
      ['leader', () => queue.leader()],
      ['runRecovery', () => queue.runRecovery()],
      ['listSteps', () => queue.listSteps().page()],
    ];
    for (const [what, call] of refused) {
      await expect(call(), what).rejects.toMatchObject({
        code: 'STOPPED',
        message: expect.stringContaining(what) as string,
      });
    }
  });

  test('a start that fails may be tried again', async () => {
    let fail = true;
    const factory = faultySqlite(({ verb }) => (verb === 'register' && fail ? { fails: 'before' } : undefined));
    const queue = newQueue({ store: factory });
    await expect(queue.start()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    fail = false;
    await queue.start();
    expect(queue.health().status).toBe('healthy');
  });

  test('the next call opens a store again that could not be opened', async () => {
    const inner = faultySqlite();
    let tries = 0;
    const create: typeof inner.create = (environment) => {
      if (++tries <= 2) throw new Error('not yet');
      return inner.create(environment);
    };
    const queue = newQueue({ store: { name: 'sqlite', create } }).register('a', () => 1);
    const listing = queue.listSteps();
    await expect(queue.submit({ type: 'a' })).rejects.toThrow('not yet');
    await expect(listing.page()).rejects.toThrow('not yet');
    expect((await listing.page()).steps).toEqual([]);
    await queue.submit({ type: 'a' });
    expect(tries).toBe(3);
  });

  test('a store whose opening fails is closed', async () => {
    const inner = faultySqlite();
    const closed = vi.fn();
    const create: typeof inner.create = async (environment) => {
      const store = await inner.create(environment);
      return Object.assign(Object.create(store) as typeof store, {
        open: () => Promise.reject(new Error('no')),
        close: async () => void closed(),
      });
    };
    const queue = newQueue({ store: { name: 'sqlite', create } }).register('a', () => 1);
    await expect(queue.submit({ type: 'a' })).rejects.toThrow('no');
    expect(closed).toHaveBeenCalledOnce();
  });

  test('a queue that stops before it has opened its store does not open it for a late call', async () => {
    const create = vi.fn(() => expect.unreachable());
    const queue = newQueue({ store: { name: 'sqlite', create } }).register('a', () => 1);
    const stopping = queue.stop();
    await expect(queue.submit({ type: 'a' })).rejects.toMatchObject({ code: 'STOPPED' });
    await stopping;
    expect(create).not.toHaveBeenCalled();
  });

  test('emits queue:stopped once the store is closed', async () => {
    const order: string[] = [];
    const factory = faultySqlite();
    const queue = newQueue({ store: factory });
    await queue.start();
    const close = factory.store.close.bind(factory.store);
    factory.store.close = async () => {
      await close();
      order.push('closed');
    };
    queue.on('queue:stopped', () => order.push('drained'));
    await queue.stop();
    expect(order).toEqual(['closed', 'drained']);
  });

  test('await using stops the queue', async () => {
    let kept: Pick<FleetQ, 'health'> | undefined;
    {
      await using queue = new FleetQ({ store: sqlite({ path: ':memory:' }), ...QUICK }).register('a', () => 1);
      await queue.start();
      await queue.waitFor(await queue.submit({ type: 'a' }));
      kept = queue;
      expect(kept.health().status).toBe('healthy');
    }
    expect(kept.health().status).toBe('unhealthy');
  });
});

describe('the process is kept alive', () => {
  const run = async (program: string): Promise<number | null> => {
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program], {
      cwd: fileURLToPath(new URL('../../', import.meta.url)),
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: 15_000,
    });
    const [code] = (await once(child, 'exit')) as [number | null];
    return code;
  };
  const head = (path: string): string =>
    `import { FleetQ } from './src/index.ts'; import { sqlite } from './src/sqlite.ts';
     const queue = new FleetQ({ store: sqlite({ path: ${JSON.stringify(path)} }) }).register('a', () => 1);`;

  test('but not by a client that never started', async () => {
    expect(await run(`${head(temporaryPath())} await queue.submit({ type: 'a' }); await queue.stats();`)).toBe(0);
  });

  test('by a started queue', async () => {
    const path = temporaryPath();
    expect(await run(`${head(path)} await queue.start(); setTimeout(() => process.exit(7), 700).unref();`)).toBe(7);
  });

  test('by a waiter, until its step has ended elsewhere', async () => {
    const path = temporaryPath();
    const worker = newQueue({ store: sqlite({ path }) }).register('a', () => 1);
    await worker.start();
    const program = `${head(path)} process.exitCode = 3; await queue.waitFor(await queue.submit({ type: 'a' })); process.exitCode = 0;`;
    expect(await run(program)).toBe(0);
  });
});

/** What health() says of a queue at each moment of its life: what probes answer by. */
import { expect, test } from 'vitest';
import { StoreError } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { VirtualRuntime } from 'fleet-q/testing';
import { faultySqlite, newQueue, nextEvent, temporaryPath } from '../support/queues.js';

const AWAY = new StoreError('STORE_UNAVAILABLE', 'away', true);
const READY = { status: 'healthy', live: true, ready: true, reasons: [], problems: [] };

test('a queue that nobody has used is live and not ready', () => {
  expect(newQueue().health()).toMatchObject({ live: true, ready: false, started: false, reasons: ['not-started'] });
});

test('a client is ready once its store is open, without a start', async () => {
  const queue = newQueue();
  const connecting = queue.connect();
  expect(queue.health()).toMatchObject({ live: true, ready: false, reasons: ['connecting'] });
  await connecting;
  expect(queue.health()).toMatchObject({ ...READY, started: false, isLeader: false, uptimeSeconds: 0 });
  await queue.connect(); // again: nothing happens
});

test('a client that submits without connect is ready too', async () => {
  const queue = newQueue();
  await queue.submit({ type: 'any' } as never);
  expect(queue.health()).toMatchObject(READY);
});

test('connect rejects if the store cannot be opened, and may be called again', async () => {
  const inner = sqlite({ path: ':memory:' });
  let fails = true;
  const runtime = new VirtualRuntime();
  const queue = newQueue({
    runtime,
    store: {
      name: 'sqlite',
      create: (environment) => {
        if (fails) throw AWAY;
        return inner.create(environment);
      },
    },
  });
  await expect(queue.connect()).rejects.toBe(AWAY);
  expect(queue.health()).toMatchObject({ live: true, ready: false, reasons: ['store-unanswered'] });
  expect(queue.health().problems).toEqual([
    expect.stringMatching(/^the store has not answered for .* \(open\): away$/),
  ]);
  fails = false;
  await queue.connect();
  expect(queue.health()).toMatchObject(READY);
});

test('a client that could not open its store opens it in the background', async () => {
  const inner = sqlite({ path: ':memory:' });
  let attempts = 0;
  const runtime = new VirtualRuntime();
  const queue = newQueue({
    runtime,
    store: {
      name: 'sqlite',
      create: (environment) => {
        if (++attempts < 3) throw AWAY;
        return inner.create(environment);
      },
    },
  });
  await expect(queue.connect()).rejects.toBe(AWAY);
  await runtime.advance(10_000);
  await expect.poll(() => queue.health().ready).toBe(true);
  expect(attempts).toBe(3);
});

test('a client whose store is away is not ready until the store answers again, though it makes no call', async () => {
  const runtime = new VirtualRuntime();
  const factory = faultySqlite();
  const queue = newQueue({ store: factory, runtime });
  await queue.connect();
  factory.store.plan = () => ({ fails: 'before' });
  await expect(queue.getStep('x')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  expect(queue.health()).toMatchObject({ live: true, ready: false, reasons: ['store-unanswered'] });
  await runtime.advance(60_000);
  expect(queue.health()).toMatchObject({ ready: false, reasons: ['store-unanswered'] });
  expect(factory.store.count('pulse')).toBeGreaterThan(3);
  factory.store.plan = undefined;
  await runtime.advance(10_000);
  await expect.poll(() => queue.health().ready).toBe(true);
  const asked = factory.store.count('pulse');
  await runtime.advance(600_000);
  expect(factory.store.count('pulse')).toBe(asked);
  await queue.stop();
  expect(runtime.pending).toBe(0);
});

test('health() itself never asks the store', async () => {
  const factory = faultySqlite();
  const queue = newQueue({ store: factory });
  await queue.connect();
  const { length } = factory.store.calls;
  for (let i = 0; i < 100; i++) queue.health();
  expect(factory.store.calls).toHaveLength(length);
});

test('a queue that starts, runs, is paused, stops and has stopped says so', async () => {
  const queue = newQueue();
  const starting = queue.start();
  expect(queue.health()).toMatchObject({ live: true, ready: false, started: false, reasons: ['starting'] });
  await starting;
  expect(queue.health()).toMatchObject({ ...READY, started: true, paused: false, strays: 0 });
  queue.pause();
  expect(queue.health()).toMatchObject({ ...READY, started: true, paused: true });
  const stopping = queue.stop();
  expect(queue.health()).toMatchObject({ live: true, ready: false, started: true, reasons: ['stopping'] });
  await stopping;
  expect(queue.health()).toMatchObject({ live: true, ready: false, started: false, reasons: ['stopped'] });
  await expect(queue.connect()).rejects.toMatchObject({ code: 'STOPPED' });
});

test('a queue whose start has failed is no client: it is not ready', async () => {
  const factory = faultySqlite(({ verb }) => (verb === 'register' ? { fails: 'before', error: AWAY } : undefined));
  const queue = newQueue({ store: factory });
  await expect(queue.start()).rejects.toBe(AWAY);
  expect(queue.health()).toMatchObject({ ready: false, started: false, reasons: ['not-started'] });
});

test('pods() lists the fleet, from a pod and from a client', async () => {
  const path = temporaryPath();
  const ada = newQueue({ store: sqlite({ path }), podId: 'ada', concurrency: 3 }).register('a', () => 1);
  const client = newQueue({ store: sqlite({ path }) });
  expect(await client.pods()).toEqual([]);
  const joined = nextEvent(ada, 'pod:joined');
  await ada.start();
  const { incarnation } = await joined;
  const expected = {
    podId: 'ada',
    incarnation,
    ...{ live: true, asleep: false, isLeader: true, eligible: true, running: 0, slots: 3, types: ['a'] },
  };
  for (const pods of [await ada.pods(), await client.pods()]) {
    expect(pods).toMatchObject([expected]);
    expect(pods[0]?.version).toMatch(/^\d+\.\d+\.\d+/);
    for (const ms of ['ageMs', 'silentForMs', 'deadAfterMs'] as const) expect(pods[0]?.[ms]).toBeGreaterThanOrEqual(0);
  }
  await client.stop();
  await expect(client.pods()).rejects.toMatchObject({ code: 'STOPPED' });
});

test('step:started has how long the step had been due', async () => {
  const path = temporaryPath();
  const queue = newQueue({ store: sqlite({ path }) }).register('a', () => 1);
  await queue.submit({ type: 'a' });
  const submittedAt = performance.now();
  const started = nextEvent(queue, 'step:started') as Promise<{ waitMs: number }>;
  await new Promise((resolve) => setTimeout(resolve, 50));
  await queue.start();
  const { waitMs } = await started;
  expect(waitMs).toBeGreaterThanOrEqual(45);
  expect(waitMs).toBeLessThanOrEqual(performance.now() - submittedAt + 20);
});

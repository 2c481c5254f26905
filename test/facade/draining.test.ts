/** A queue that drains: what its handlers and listeners may still do with it, and how long it waits for them. */
import { describe, expect, test } from 'vitest';
import { StoppedError, type FleetQOptions, type StepContext } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { VirtualRuntime } from 'fleet-q/testing';
import { sleep } from '../../src/runtime/runtime.js';
import { DEAD_AFTER, RECOVERED, VirtualFleet } from '../faults/support/virtual-fleet.js';
import { faultySqlite, newQueue, nextEvent, temporaryPath } from '../support/queues.js';

function gate() {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open: () => open(), opened };
}

/** A queue with one handler that has started and goes on with `then` once `go` is called. */
async function atWork(then: (ctx: StepContext) => unknown, options: FleetQOptions & { steps?: undefined } = {}) {
  const started = gate();
  const go = gate();
  const queue = newQueue(options)
    .register('next', (n?: number) => n ?? 0)
    .register(
      'first',
      async (_: undefined, ctx) => {
        started.open();
        await go.opened;
        return (await then(ctx)) as string | undefined;
      },
      { maxRetries: 0 },
    );
  await queue.start();
  const stepId = await queue.submit({ type: 'first' });
  await started.opened;
  return { queue, stepId, go: go.open };
}

/** The state of a step, as another process reads it. */
async function read(path: string, stepId: string) {
  return newQueue({ store: sqlite({ path }) }).getStep(stepId);
}

describe('while the queue drains', () => {
  test('serves every call of a handler, whose step completes uncharged', async () => {
    const path = temporaryPath();
    const other = newQueue({ store: sqlite({ path }) }).register('elsewhere', () => 'done');
    await other.start();
    const { queue, stepId, go } = await atWork(
      async () => {
        const id = await queue.submit({ type: 'next' });
        const many = await queue.submitMany([{ type: 'next' }, { type: 'next', args: 2 }]);
        const { receipt } = await queue.submitWithReceipt({ type: 'next', stepId: id });
        const away = await queue.waitFor(await queue.submit({ type: 'elsewhere' } as never));
        const cancelled = await queue.cancel(id);
        const retried = await queue.retry(id);
        const { status } = await queue.getStep(id);
        const listed: string[] = [];
        for await (const step of queue.listSteps({ type: 'next', pageSize: 1 })) listed.push(step.stepId);
        const { pendingSteps, activePods } = await queue.stats();
        const answers = { receipt, away, cancelled, retried, status, pendingSteps, activePods };
        return JSON.stringify({ ...answers, all: listed.length === many.length + 1 });
      },
      { store: sqlite({ path }) },
    );
    const stopping = queue.stop();
    go();
    await stopping;
    const step = await read(path, stepId);
    expect(step).toMatchObject({ status: 'completed', retryCount: 0 });
    expect(JSON.parse(step.result as string)).toEqual({
      ...{ receipt: 'duplicate', away: 'done', cancelled: 'cancelled', retried: 'retried', status: 'pending' },
      ...{ pendingSteps: 3, activePods: 2, all: true },
    });
  });

  test('sends heartbeats as long as a handler runs, so that no peer takes its step', async () => {
    const fleet = new VirtualFleet();
    const ada = await fleet.add('ada', { options: { drainTimeoutMs: 3 * DEAD_AFTER } });
    const [id] = await fleet.submit({ ms: 2 * DEAD_AFTER });
    await fleet.pass(2_000);
    const grace = await fleet.add('grace');
    expect(ada.queue.health().isLeader).toBe(true);
    let ended = false;
    const stopping = ada.queue.stop().then(() => (ended = true));
    await fleet.pass(RECOVERED);
    expect(ended).toBe(false);
    expect((await fleet.client.queue.stats()).activePods).toBe(2);
    expect([ada, grace].map(({ queue }) => queue.health().isLeader)).toEqual([false, true]);
    await fleet.until(stopping);
    expect(fleet.runsOf(id)).toHaveLength(1);
    expect(grace.events.of('pod:dead')).toEqual([]);
    expect(ada.events.of('step:lost')).toEqual([]);
    expect(await fleet.client.queue.getStep(id ?? '')).toMatchObject({ status: 'completed', result: { by: 'ada' } });
  });

  test('serves callers outside handlers too, and refuses them once it has stopped', async () => {
    const { queue, go } = await atWork(() => undefined);
    const stopping = queue.stop();
    const id = await queue.submit({ type: 'next' });
    expect((await queue.getStep(id)).status).toBe('pending');
    go();
    await stopping;
    await expect(queue.submit({ type: 'next' })).rejects.toBeInstanceOf(StoppedError);
  });

  test('leaves submitted steps to other pods', async () => {
    const path = temporaryPath();
    const { queue, go } = await atWork(() => queue.submit({ type: 'next' }), { store: sqlite({ path }) });
    const claimed: string[] = [];
    queue.on('step:claimed', ({ type }) => claimed.push(type));
    const stopping = queue.stop();
    const id = await queue.submit({ type: 'next' });
    const other = newQueue({ store: sqlite({ path }) }).register('next', () => 7);
    await other.start();
    expect(await other.waitFor(id)).toBe(7);
    go();
    await stopping;
    expect(claimed).toEqual([]);
  });

  test('waits for an asynchronous listener, and for the calls that it makes', async () => {
    const path = temporaryPath();
    const heard: string[] = [];
    const { queue, go } = await atWork(() => undefined, { store: sqlite({ path }) });
    queue.on('step:completed', async () => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      heard.push(await queue.submit({ type: 'next' }));
    });
    queue.on('step:submitted', async ({ stepId }) => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      heard.push((await queue.getStep(stepId)).status);
    });
    const stopping = queue.stop();
    go();
    await stopping;
    expect(heard).toEqual([expect.any(String), 'pending']);
    expect((await read(path, heard[0] ?? '')).status).toBe('pending');
  });

  test('serves a call that a listener did not return, if it was made in time', async () => {
    const path = temporaryPath();
    const { queue, go } = await atWork(() => undefined, { store: sqlite({ path }) });
    let submitted: Promise<string> | undefined;
    queue.on('step:completed', () => {
      submitted = queue.submit({ type: 'next' });
    });
    const stopping = queue.stop();
    go();
    await stopping;
    expect((await read(path, (await submitted) ?? '')).status).toBe('pending');
  });

  test('reports in health that it drains, and afterwards that it does not run', async () => {
    const { queue, go } = await atWork(() => undefined);
    const stopping = queue.stop();
    expect(queue.health()).toMatchObject({ problems: ['the queue is being stopped'], currentCapacity: 1 });
    expect(queue.health().uptimeSeconds).toBeGreaterThan(0);
    expect(await queue.leader()).toMatchObject({ activePods: 1 });
    go();
    await stopping;
    expect(queue.health()).toMatchObject({ problems: ['the queue is not running'], isLeader: false });
  });

  test('reads the leader from the store once this pod has left the fleet', async () => {
    const path = temporaryPath();
    const other = newQueue({ store: sqlite({ path }), podId: 'other' });
    const { queue, go } = await atWork(() => undefined, { store: sqlite({ path }), podId: 'drains' });
    await other.start();
    let seen: unknown;
    queue.on('pod:left', async ({ podId }) => {
      if (podId === 'drains') seen = await queue.leader();
    });
    const stopping = queue.stop();
    go();
    await stopping;
    expect(seen).toMatchObject({ currentLeader: 'other', activePods: 1 });
  });
});

describe('a bound on draining', () => {
  test('a listener that never settles delays stop by the drain time, and a message reports it', async () => {
    const runtime = new VirtualRuntime();
    const warned: string[] = [];
    const logger = { debug() {}, info() {}, warn: (_: object, text: string) => warned.push(text), error() {} };
    const queue = newQueue({ runtime, logger, drainTimeoutMs: 9_000 }).register('a', () => 1);
    await runtime.until(queue.start());
    queue.on('step:completed', () => new Promise(() => undefined));
    await runtime.until(queue.submit({ type: 'a' }));
    await runtime.advance(1_000);
    const before = runtime.monotonicMs();
    await runtime.until(queue.stop());
    expect(runtime.monotonicMs() - before).toBe(9_000);
    expect(warned).toEqual(['listeners have not settled in time; closing the store without them']);
    expect(runtime.pending).toBe(0);
  });

  test('a listener gets two seconds if the handlers used up the drain time', async () => {
    const runtime = new VirtualRuntime();
    const options = { runtime, drainTimeoutMs: 1_000, abortGraceMs: 100 };
    const queue = newQueue(options).register('stray', () => new Promise<void>(() => undefined));
    await runtime.until(queue.start());
    let heard = false;
    queue.on('step:released', async () => {
      await sleep(runtime, 1_900);
      heard = true;
    });
    await runtime.until(queue.submit({ type: 'stray' }));
    await runtime.advance(1_000);
    await runtime.until(queue.stop());
    expect(heard).toBe(true);
  });

  test.each<[string, (stop: () => Promise<void>) => unknown]>([
    ['returns stop()', (stop) => stop()],
    ['awaits stop()', async (stop) => await stop()],
  ])('a listener that %s does not hold it up', async (_, listen) => {
    const runtime = new VirtualRuntime();
    const queue = newQueue({ runtime, drainTimeoutMs: 60_000 }).register('a', () => 1);
    await runtime.until(queue.start());
    const listened = new Promise((resolve) =>
      queue.on('step:completed', () => {
        const returned = listen(() => queue.stop());
        resolve(returned);
        return returned;
      }),
    );
    await runtime.until(queue.submit({ type: 'a' }));
    const before = runtime.monotonicMs();
    await runtime.until(listened);
    expect(runtime.monotonicMs() - before).toBeLessThan(2_000);
  });

  test('a handler that awaits stop() is aborted after the drain time, and its step is given back', async () => {
    const path = temporaryPath();
    const { queue, stepId, go } = await atWork(() => queue.stop(), {
      ...{ store: sqlite({ path }), drainTimeoutMs: 20, abortGraceMs: 20 },
    });
    const drained = nextEvent(queue, 'queue:stopped');
    go();
    expect(await drained).toMatchObject({ strays: 1, released: 1 });
    expect(await read(path, stepId)).toMatchObject({ status: 'pending', retryCount: 0 });
  });

  test('a handler that calls stop() without awaiting it completes', async () => {
    const path = temporaryPath();
    const { queue, stepId, go } = await atWork(() => void queue.stop(), { store: sqlite({ path }) });
    const drained = nextEvent(queue, 'queue:stopped');
    go();
    expect(await drained).toMatchObject({ finished: 1, strays: 0 });
    expect(await read(path, stepId)).toMatchObject({ status: 'completed' });
  });

  test('waits end when the drain time is over, so a handler that waits is not a stray', async () => {
    const path = temporaryPath();
    const { queue, stepId, go } = await atWork(
      async () => queue.waitFor(await queue.submit({ type: 'next' })), // no pod claims it any more
      { store: sqlite({ path }), drainTimeoutMs: 100, abortGraceMs: 10_000 },
    );
    const drained = nextEvent(queue, 'queue:stopped');
    const stopping = queue.stop();
    go();
    await stopping;
    expect(await drained).toMatchObject({ strays: 0, released: 1 });
    expect(await read(path, stepId)).toMatchObject({ status: 'pending', retryCount: 0, error: undefined });
  });
});

describe('a StoppedError of its own queue', () => {
  test.each<[string, (stopped: unknown) => unknown]>([
    ['thrown as it is', (stopped) => stopped],
    ['as a cause', (cause) => new Error('could not go on', { cause })],
    [
      'as a cause of a PermanentFailureError',
      (cause) => Object.assign(new Error('x', { cause }), { name: 'PermanentFailureError' }),
    ],
  ])('%s charges no attempt while the queue drains', async (_, wrap) => {
    const path = temporaryPath();
    const { queue, stepId, go } = await atWork(
      async () => {
        throw wrap(await queue.start().catch((error: unknown) => error));
      },
      { store: sqlite({ path }) },
    );
    const released = nextEvent(queue, 'step:released');
    const stopping = queue.stop();
    go();
    await stopping;
    expect(await released).toMatchObject({ stepId, reason: 'stopping' });
    expect(await read(path, stepId)).toMatchObject({ status: 'pending', retryCount: 0 });
  });

  test('of another queue is a failure like any other', async () => {
    const other = newQueue();
    await other.stop();
    const { queue, stepId, go } = await atWork(() => other.getStep('x'));
    go();
    await expect(queue.waitFor(stepId)).rejects.toMatchObject({ cause: { code: 'STOPPED' } });
  });
});

describe('calls that race the end', () => {
  test('a submission that waits for the commit before it is still written', async () => {
    const committing = gate();
    const factory = faultySqlite(({ verb }) => {
      if (verb !== 'submit') return undefined;
      committing.open();
      return { replyDelayMs: 40 };
    });
    const queue = newQueue({ store: factory }).register('a', () => 1);
    const first = queue.submit({ type: 'a' });
    await committing.opened;
    const second = queue.submit({ type: 'a' });
    await queue.stop();
    expect(await Promise.all([first, second])).toHaveLength(2);
    expect(factory.store.count('submit')).toBe(2);
  });

  test('a call is refused while the last submission before it is still being written', async () => {
    const committing = gate();
    const factory = faultySqlite(({ verb }) => {
      if (verb !== 'submit') return undefined;
      committing.open();
      return { replyDelayMs: 100 };
    });
    const queue = newQueue({ store: factory }).register('a', () => 1);
    const first = queue.submit({ type: 'a' });
    await committing.opened;
    const stopping = queue.stop();
    await new Promise((resolve) => setImmediate(resolve));
    await expect(queue.submit({ type: 'a' })).rejects.toMatchObject({ code: 'STOPPED' });
    await Promise.all([first, stopping]);
    expect(factory.store.count('submit')).toBe(1);
  });

  test('end before the store closes, so that no wait fails because of a closed store', async () => {
    const path = temporaryPath();
    let waits = 1;
    let waitsAtClose: number | undefined;
    const queue = newQueue({
      store: {
        name: 'sqlite',
        async create(environment) {
          const store = await sqlite({ path }).create(environment);
          const close = store.close.bind(store);
          return Object.assign(store, {
            close: () => {
              waitsAtClose ??= waits;
              return close();
            },
          });
        },
      },
    }).register('a', () => 'done');
    const stepId = await queue.submit({ type: 'a' });
    const wait = queue.waitFor(stepId).finally(() => waits--);
    await Promise.all([expect(wait).rejects.toMatchObject({ code: 'STOPPED' }), queue.stop()]);
    expect(waitsAtClose).toBe(0);
  });

  test('are served or refused with STOPPED, never with a code of the store', async () => {
    const factory = faultySqlite(({ verb }) => (verb === 'find' || verb === 'list' ? { replyDelayMs: 5 } : undefined));
    const queue = newQueue({ store: factory }).register('a', () => 1);
    const ids = await queue.submitMany(Array.from({ length: 20 }, () => ({ type: 'a' as const })));
    const id = ids[0] ?? '';
    const listAll = async (): Promise<void> => {
      for await (const step of queue.listSteps({ pageSize: 1 })) void step;
    };
    const calls: (() => Promise<unknown>)[] = [
      ...[() => queue.getStep(id), listAll, () => queue.stats(), () => queue.cancel(id), () => queue.retry(id)],
      ...[() => queue.waitFor(id), () => queue.leader(), () => queue.submit({ type: 'a' })],
    ];
    const codeOf = (call: () => Promise<unknown>): Promise<string> =>
      call().then(
        () => 'served',
        (error: unknown) => (error as { code: string }).code,
      );
    const racing: Promise<string>[] = [];
    const race = (): void => void racing.push(...calls.map(codeOf));
    race();
    const stopping = queue.stop();
    for (let turn = 0; turn < 10; turn++) {
      race();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await stopping;
    race();
    const codes = await Promise.all(racing);
    expect(codes).toContain('served');
    expect(codes).toContain('STOPPED');
    // One of them cancels the step that another waits for.
    expect(codes.filter((code) => !['served', 'STOPPED', 'STEP_CANCELLED'].includes(code))).toEqual([]);
  });
});

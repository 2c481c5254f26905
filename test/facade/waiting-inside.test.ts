/** Handlers that wait for steps of their own queue, and what a wait that times out says. */
import { describe, expect, test } from 'vitest';
import { defineStep, type FleetQOptions, type StepContext } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { VirtualRuntime } from 'fleet-q/testing';
import { faultySqlite, newQueue, temporaryPath } from '../support/queues.js';

const SLOTS = { maxParallelism: 2, capacityThreshold: 1 } as const;

interface Parent {
  readonly timeoutMs?: number;
  readonly child: string;
}

/** A queue in virtual time, whose parents wait for a child that they submit. */
async function family(options: FleetQOptions & { steps?: undefined } = {}) {
  const runtime = new VirtualRuntime();
  const logged: string[] = [];
  const logger = { debug() {}, info() {}, error() {}, warn: (_: object, text: string) => logged.push(text) };
  const queue = newQueue({ runtime, logger, ...SLOTS, ...options })
    .register('child', () => 'grown')
    .register('late', () => 'grown')
    .register('parent', async ({ child, timeoutMs }: Parent): Promise<unknown> => {
      const id = await queue.submit({ type: child, ...(child === 'late' ? { delayMs: 40_000 } : {}) } as never);
      return queue.waitFor(id, timeoutMs === undefined ? {} : { timeoutMs });
    });
  await runtime.until(queue.start());
  const parents = async (count: number, args: Parent): Promise<string[]> => {
    const ids = await runtime.until(queue.submitMany(Array.from({ length: count }, () => ({ type: 'parent', args }))));
    await runtime.advance(30_000);
    return ids;
  };
  return {
    queue,
    runtime,
    parents,
    deadlocks: () => logged.filter((text) => text.includes('seem to wait for steps')).length,
  };
}

describe('handlers in all slots that wait for steps of their own', () => {
  test('are reported by health and by one message, until one returns', async () => {
    const { queue, runtime, parents, deadlocks } = await family();
    const [first = '', second = ''] = await parents(2, { child: 'child' });
    expect(queue.health()).toMatchObject({
      status: 'healthy', // a restart would not mend it, and the finding can be mistaken
      problems: [],
      warnings: [expect.stringContaining('all 2 slots are held by handlers that seem to wait for steps')],
    });
    await runtime.advance(60_000);
    expect(deadlocks()).toBe(1);
    await runtime.until(queue.cancel(first));
    for await (const { stepId } of queue.listSteps({ type: 'child', status: 'pending', pageSize: 1 })) {
      await runtime.until(queue.cancel(stepId)); // the wait of its parent ends with that
      break;
    }
    await runtime.advance(10_000);
    expect(queue.health().warnings).toEqual([]);
    expect((await queue.getStep(second)).status).not.toBe('claimed');
  });

  const child = defineStep({ type: 'child', run: (_: number) => 'grown' });
  const AFTER_PARENTS = { priority: -1 };

  test.each<[string, (ctx: StepContext) => Promise<string>]>([
    ['ctx.submit', (ctx) => ctx.submit(child, 1, AFTER_PARENTS)],
    ['ctx.submitMany', async (ctx) => (await ctx.submitMany(child, [1], AFTER_PARENTS))[0] ?? ''],
  ])('are reported where %s made the steps, in the first run and in each later one', async (_, submit) => {
    const runtime = new VirtualRuntime();
    let runs = 0;
    let leave = (): void => undefined;
    const queue = newQueue({ runtime, concurrency: 1 })
      .register(child)
      .register('parent', async (_args: undefined, ctx): Promise<null> => {
        runs++;
        const id = await submit(ctx);
        await Promise.race([queue.waitFor(id, { signal: ctx.signal }), new Promise<void>((r) => (leave = r))]);
        return ctx.release({ delayMs: 0 });
      });
    const reported = () => queue.health().warnings.some((text) => text.includes('seem to wait for steps'));
    await runtime.until(queue.start());
    await runtime.until(queue.submit({ type: 'parent' }));
    for (let run = 1; run <= 3; run++) {
      await runtime.advance(1_000);
      expect([runs, reported()]).toEqual([run, false]);
      await runtime.advance(25_000);
      expect([runs, reported()]).toEqual([run, true]);
      leave();
    }
    await runtime.until(queue.stop());
  });

  test.each<[string, number, Parent]>([
    ['one slot is free', 1, { child: 'child' }],
    ['the waits time out', 2, { child: 'child', timeoutMs: 60_000 }],
    ['the children are not due yet', 2, { child: 'late' }],
  ])('are not reported where %s', async (_, count, args) => {
    const { queue, runtime, parents, deadlocks } = await family();
    await parents(count, args);
    expect(queue.health()).toMatchObject({ problems: [], warnings: [] });
    expect(deadlocks()).toBe(0);
    await runtime.until(queue.stop());
  });

  test('are not reported if callers outside handlers wait for steps of a type that another pod handles', async () => {
    const runtime = new VirtualRuntime();
    const queue = newQueue({ runtime, ...SLOTS }).register('long', () => new Promise<number>(() => undefined));
    await runtime.until(queue.submitMany([{ type: 'long' }, { type: 'long' }]));
    await runtime.until(queue.start());
    await runtime.advance(1_000); // the slots are taken before the outsiders submit
    const ids = await runtime.until(queue.submitMany([{ type: 'elsewhere' }, { type: 'elsewhere' }] as never));
    const waits = ids.map((id) => queue.waitFor(id).catch(() => undefined));
    await runtime.advance(60_000);
    expect(queue.health()).toMatchObject({ currentCapacity: 2, status: 'healthy', warnings: [] });
    await runtime.until(queue.stop());
    await Promise.all(waits);
  });

  test('are not reported if callers outside handlers wait for steps behind long handlers', async () => {
    const runtime = new VirtualRuntime();
    const queue = newQueue({ runtime, ...SLOTS }).register('long', () => new Promise<number>(() => undefined));
    const ids = await runtime.until(queue.submitMany(Array.from({ length: 20 }, () => ({ type: 'long' as const }))));
    await runtime.until(queue.start());
    const waits = ids.map((id) => queue.waitFor(id).catch(() => undefined));
    await runtime.advance(60_000);
    expect(queue.health()).toMatchObject({ currentCapacity: 2, problems: [], warnings: [] });
    await runtime.until(queue.stop());
    await Promise.all(waits);
  });

  test('are not reported if another pod runs the children', async () => {
    const path = temporaryPath();
    const { queue, runtime, parents } = await family({ store: sqlite({ path }) });
    const other = newQueue({ store: sqlite({ path }), runtime }).register('child', () => 'grown');
    await runtime.until(other.start());
    const [id = ''] = await parents(2, { child: 'child' });
    expect(queue.health()).toMatchObject({ problems: [], warnings: [] });
    expect(await runtime.until(queue.waitFor(id))).toBe('grown');
    await runtime.until(other.stop());
    await runtime.until(queue.stop());
  });
});

describe('a wait that times out', () => {
  const waitFor = async (submit: object, register: (queue: ReturnType<typeof newQueue>) => unknown = () => 0) => {
    const queue = newQueue();
    register(queue);
    await queue.start();
    const id = await queue.submit(submit as never);
    return queue.waitFor(id, { timeoutMs: 50 }).catch((error: unknown) => error);
  };

  test.each<[string, object, object]>([
    [
      'no pod handles the type',
      { type: 'nobody' },
      { status: 'pending', says: /pending, and no pod is known to handle the type "nobody"$/ },
    ],
    [
      'the step is not due',
      { type: 'a', delayMs: 60_000 },
      { status: 'pending', says: /it is pending, due in 5\d{4} ms$/ },
    ],
    ['a handler is at work', { type: 'a' }, { status: 'claimed', says: /it is claimed by pod ".+"$/ }],
  ])('says so where %s', async (_, submit, { status, says }: { status?: string; says?: RegExp }) => {
    const hang = () => new Promise<never>((_resolve, reject) => setTimeout(reject, 200));
    const error = await waitFor(submit, (queue) => queue.register('a', hang, { maxRetries: 0 }));
    expect(error).toMatchObject({ code: 'WAIT_TIMEOUT', timeoutMs: 50, status });
    expect((error as Error).message).toMatch(says ?? '');
  });

  test('says that a step is due if its pod is paused', async () => {
    const error = await waitFor({ type: 'a' }, (queue) => queue.register('a', () => 1).pause());
    expect(error).toMatchObject({
      status: 'pending',
      message: expect.stringMatching(/it is pending, and due$/) as string,
    });
  });

  test('times out in time also if the store does not answer', async () => {
    const runtime = new VirtualRuntime();
    const factory = faultySqlite();
    const queue = newQueue({ store: factory, runtime });
    const id = await runtime.until(queue.submit({ type: 'a' } as never));
    const wait = queue.waitFor(id, { timeoutMs: 100 }).catch((error: unknown) => error);
    await runtime.advance(50);
    factory.store.plan = () => ({ delayMs: 600_000 });
    const before = runtime.monotonicMs();
    const error = await runtime.until(wait);
    expect(error).toMatchObject({
      code: 'WAIT_TIMEOUT',
      status: undefined,
      message: `step ${id} did not end within 100 ms`,
    });
    expect(runtime.monotonicMs() - before).toBeLessThanOrEqual(1_100);
    factory.store.plan = undefined;
    await runtime.until(queue.stop());
    expect(runtime.pending).toBe(0);
  });
});

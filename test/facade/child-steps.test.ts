/** Steps that handlers submit by `ctx.submit` and `ctx.submitMany`. */
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { defineStep, FleetQ, type AnyFleetQ, type StepContext } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { ended, startProgram } from '../support/child.js';
import { newQueue, nextEvent, stopped, temporaryPath } from '../support/queues.js';

const child = defineStep({ type: 'child', run: (args: { n: number }) => args.n });

/** A queue whose handler `parent` does `work`; its children wait for another pod. */
const parentOf = (work: (ctx: StepContext) => unknown, options = {}) =>
  newQueue(options).register('parent', async (_: undefined, ctx): Promise<null> => {
    await work(ctx);
    return null;
  });

async function childrenOf(queue: AnyFleetQ) {
  const found = [];
  for await (const step of queue.listSteps({ type: 'child' })) found.push(step);
  return found;
}

describe('a step that a handler submits', () => {
  test('is stored at once with its args and options, and its result can be awaited', async () => {
    const queue = newQueue()
      .register(child)
      .register('parent', async (_: undefined, ctx): Promise<number> => {
        const id = await ctx.submit(child, { n: 42 }, { priority: 5, metadata: { from: ctx.stepId } });
        return queue.waitFor(id);
      });
    await queue.start();
    const id = await queue.submit({ type: 'parent' });
    expect(await queue.waitFor(id)).toBe(42);
    expect(await childrenOf(queue)).toMatchObject([{ args: { n: 42 }, priority: 5, metadata: { from: id } }]);
  });

  test('is one step, however often its parent runs or is retried by hand', async () => {
    const ids: string[] = [];
    const queue = parentOf(
      async (ctx) => {
        ids.push(await ctx.submit(child, { n: 1 }), ...(await ctx.submitMany(child, [{ n: 2 }, { n: 3 }])));
        if (ctx.attempt < 3) throw new Error('once more');
      },
      { retry: { baseMs: 1, capMs: 1 } },
    );
    await queue.start();
    const id = await queue.submit({ type: 'parent' });
    await queue.waitFor(id);
    expect(ids).toHaveLength(9);
    expect(new Set(ids).size).toBe(3);
    expect(await childrenOf(queue)).toHaveLength(3);
  });

  test('is one step if it is submitted twice in one run, unless a name distinguishes the two', async () => {
    const queue = parentOf(async (ctx) => {
      const [a, b] = await Promise.all([ctx.submit(child, { n: 1 }), ctx.submit(child, { n: 1 })]);
      expect(a).toBe(b);
      expect(await ctx.submit(child, { n: 1 }, { name: 'second' })).not.toBe(a);
      await ctx.submitMany(child, [{ n: 1 }, { n: 1 }], (_, i) => ({ name: `many ${i}` }));
    });
    await queue.start();
    await queue.waitFor(await queue.submit({ type: 'parent' }));
    expect(await childrenOf(queue)).toHaveLength(4);
  });

  test('is one step for the same args, whatever the order of their keys', async () => {
    const pair = defineStep({ type: 'child', run: (args: { a: number; b: { c: number; d: number } }) => args.a });
    const one = { a: 1, b: { c: 2, d: 3 } };
    const other = { b: { d: 3, c: 2 }, a: 1 };
    const ids: string[] = [];
    const receipts: unknown[] = [];
    const warned: unknown[] = [];
    const logger = { debug() {}, info() {}, error() {}, warn: (_: unknown, text: string) => void warned.push(text) };
    const queue = parentOf(
      async (ctx) => {
        ids.push(...(await ctx.submitMany(pair, [one, other])));
        ids.push(await ctx.submit(pair, other), await ctx.submit(pair, one));
      },
      { logger },
    );
    queue.on('step:submitted', ({ type, receipt }) => void ((type as string) === 'child' && receipts.push(receipt)));
    await queue.start();
    await queue.waitFor(await queue.submit({ type: 'parent' }));
    expect(new Set(ids).size).toBe(1);
    expect(receipts).toEqual(['created', 'duplicate', 'duplicate', 'duplicate']);
    expect(warned).toEqual([]);
    expect(await childrenOf(queue)).toMatchObject([{ args: one }]);
  });

  test('is refused beside a different one in the same call, by what the handler gave', async () => {
    const complaints: string[] = [];
    const queue = parentOf(async (ctx) => {
      const attempt = async (list: { n: number }[], options: (args: unknown, i: number) => object): Promise<void> => {
        await ctx
          .submitMany(child, list, options as never)
          .catch((error: unknown) => complaints.push((error as Error).message));
      };
      await attempt([{ n: 1 }, { n: 2 }], () => ({ name: 'same' }));
      await attempt([{ n: 1 }, { n: 1 }], (_, i) => ({ delayMs: i }));
      await attempt([{ n: 1 }, { n: 1 }], (_, i) => ({ metadata: { i } }));
      await attempt([{ n: 1 }, { n: 2 }], () => ({ stepId: 'mine' }));
    });
    await queue.start();
    await queue.waitFor(await queue.submit({ type: 'parent' }));
    expect(complaints).toEqual([
      'options(…, 1).name: names the same step as steps[0], with other args or metadata, got "same"',
      'steps[1]: has the type and args of steps[0], with another delayMs; to submit both, give each a name',
      'steps[1]: has the type and args of steps[0], with other metadata; to submit both, give each a name',
      'steps[1].stepId: names the same step as steps[0], with other args or metadata, got "mine"',
    ]);
    expect(await childrenOf(queue)).toEqual([]);
  });

  test('works without its context, and while the queue drains', async () => {
    const path = temporaryPath();
    let go = (): void => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    const queue = parentOf(
      async ({ submit, submitMany }) => {
        await gate;
        await submit(child, { n: 1 });
        await submitMany(child, [{ n: 2 }]);
      },
      { store: sqlite({ path }) },
    );
    await queue.start();
    const started = nextEvent(queue, 'step:started');
    await queue.submit({ type: 'parent' });
    await started;
    const completed = nextEvent(queue, 'step:completed');
    const stopping = queue.stop();
    go();
    await completed;
    await stopping;
    expect(await childrenOf(stopped(new FleetQ({ store: sqlite({ path }) })))).toHaveLength(2);
  });

  test('is refused if its schema or JSON does not accept its args', async () => {
    const complaints: unknown[] = [];
    const queue = parentOf(async (ctx) => {
      for (const args of [{ n: 1n }, { n: NaN }]) {
        await ctx.submit(child, args as never).catch((error: unknown) => complaints.push(error));
      }
      await ctx.submit({ type: 'child' } as never, {}).catch((error: unknown) => complaints.push(error));
    });
    await queue.start();
    await queue.waitFor(await queue.submit({ type: 'parent' }));
    expect(complaints).toMatchObject([
      { code: 'PAYLOAD_UNSERIALIZABLE', field: 'args.n' },
      { code: 'PAYLOAD_UNSERIALIZABLE', field: 'args.n' },
      { code: 'STEP_INVALID', field: 'definition' },
    ]);
    expect(await childrenOf(queue)).toEqual([]);
  });

  test.skipIf(process.platform !== 'linux')('is one step if its parent was killed after submitting it', async () => {
    const path = temporaryPath();
    const killed = startProgram('parent', [path, 'web-1']);
    const client = stopped(new FleetQ<{ parent: { args: undefined; result: null } }>({ store: sqlite({ path }) }));
    const parentId = await client.submit({ type: 'parent' });
    const [first] = (await once(killed.stdout!, 'data')) as [Buffer];
    killed.kill('SIGKILL');
    await ended(killed);
    const again: string[] = [];
    const queue = parentOf(async (ctx) => again.push(await ctx.submit(child, { n: 1 })), {
      store: sqlite({ path }),
      podId: 'web-1',
    });
    await queue.start();
    await queue.waitFor(parentId, { timeoutMs: 12_000 });
    expect(again).toEqual([String(first).trim()]);
    expect(await childrenOf(queue)).toHaveLength(1);
    expect(await queue.getStep(parentId)).toMatchObject({ status: 'completed', crashes: 1 });
  });
});

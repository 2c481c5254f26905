/** A handler or listener that changes an object that it got affects no one else. */
import { expect, test } from 'vitest';
import { EVENT_NAMES } from 'fleet-q';
import { newQueue, nextEvent } from '../support/queues.js';

interface Args {
  list: number[];
}
const ARGS: Args = { list: [1] };
const METADATA = { user: { name: 'alice' } };

/** Changes all that can be reached from a value. */
function spoil(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  for (const key of Object.keys(value)) {
    spoil((value as Record<string, unknown>)[key]);
    (value as Record<string, unknown>)[key] = 'spoilt';
  }
}

test('a handler and every listener of every event get their own objects, in every attempt', async () => {
  const seen: string[] = [];
  const note = (who: string, payload: unknown): void => {
    const text = JSON.stringify(payload);
    seen.push(`${who} ${text.includes('spoilt') ? 'spoilt' : 'as submitted'}`);
    spoil(payload);
  };
  const queue = newQueue().register('work', (args: Args, ctx) => {
    note(`attempt ${ctx.attempt}`, { args, metadata: ctx.metadata });
    spoil(args);
    spoil(ctx.metadata);
    if (ctx.attempt === 1) throw new Error('again');
    if (ctx.attempt === 2) ctx.release({ delayMs: 1 });
    return { list: [2] };
  });
  let released = false;
  for (const name of EVENT_NAMES.filter((each) => each.startsWith('step:'))) {
    for (const listener of ['first', 'second']) queue.on(name, (event) => note(`${listener} of ${name}`, event));
  }
  queue.on('step:released', () => void (released = true));
  await queue.start();
  const submitted = { type: 'work', args: structuredClone(ARGS), metadata: structuredClone(METADATA) } as const;
  const id = await queue.submit(submitted);
  await expect.poll(() => released).toBe(true);
  await queue.cancel(id);
  expect(submitted).toEqual({ type: 'work', args: ARGS, metadata: METADATA });
  expect(await queue.getStep(id)).toMatchObject({ args: ARGS, metadata: METADATA });
  for (const event of ['submitted', 'claimed', 'started', 'retrying', 'released']) {
    expect(seen).toContain(`second of step:${event} as submitted`);
  }
  expect(seen.filter((each) => each.endsWith('spoilt'))).toEqual([]);
});

test('a change by a listener of step:completed reaches neither a waiter nor the store', async () => {
  const queue = newQueue().register('work', (_: Args) => ({ list: [2] }));
  const results: unknown[] = [];
  for (let listener = 0; listener < 2; listener++) {
    queue.on('step:completed', (event) => {
      results.push(structuredClone([event.result, event.step.result, event.args, event.step.args]));
      spoil(event);
    });
  }
  await queue.start();
  const id = await queue.submit({ type: 'work', args: ARGS });
  const [one, other] = await Promise.all([queue.waitFor(id), queue.waitFor(id)]);
  spoil(one);
  expect(other).toEqual({ list: [2] });
  expect(results).toEqual(Array(2).fill([{ list: [2] }, { list: [2] }, ARGS, ARGS]));
  expect(await queue.getStep(id)).toMatchObject({ result: { list: [2] }, args: ARGS });
});

test('a handler that changes its args and fails does not change the args in the event', async () => {
  const queue = newQueue().register('work', (args: Args) => {
    args.list.push(2);
    throw new Error('no');
  });
  const failed = nextEvent(queue, 'step:failed');
  await queue.start();
  await queue.submit({ type: 'work', args: ARGS, maxRetries: 0 });
  expect(await failed).toMatchObject({ args: ARGS, step: { args: ARGS } });
});

test('a listener of an event without a step gets its own payload', async () => {
  const queue = newQueue();
  const heard: string[] = [];
  for (let listener = 0; listener < 2; listener++) {
    queue.on('pod:joined', (event) => {
      heard.push(event.podId);
      spoil(event);
    });
  }
  await queue.start();
  expect(heard).toEqual([queue.podId, queue.podId]);
});

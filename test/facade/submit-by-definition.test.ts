/** Steps that are submitted by their definition, on the embedded store. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineStep, FleetQ, ValidationError } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { newQueue, stopped, temporaryPath } from '../support/queues.js';

const resize = defineStep({
  type: 'resize',
  args: z.object({ file: z.string(), width: z.coerce.number() }),
  maxRetries: 7,
  run: ({ file, width }) => ({ file, width }),
});
const ping = defineStep({ type: 'ping', run: () => 'pong' as const });

describe('a definition', () => {
  test('submits a step with its args and options, and the result comes back typed', async () => {
    const queue = newQueue().register(resize).register(ping);
    await queue.start();
    const id = await queue.submit(resize, { file: 'a.png', width: '640' }, { priority: 5, metadata: { user: 'ada' } });
    expect(await queue.waitFor(id)).toEqual({ file: 'a.png', width: 640 });
    expect(await queue.getStep(id)).toMatchObject({
      args: { file: 'a.png', width: '640' },
      priority: 5,
      maxRetries: 7,
      metadata: { user: 'ada' },
    });
    expect(await queue.waitFor(await queue.submit(ping))).toBe('pong');
    expect(await queue.waitFor(await queue.submit(ping, undefined, { priority: 1 }))).toBe('pong');
  });

  test('submits from a queue that does not know its type, also if the queue refuses unknown types', async () => {
    const path = temporaryPath();
    const client = stopped(new FleetQ({ store: sqlite({ path }), unknownTypes: 'refuse' }));
    const id = await client.submit(resize, { file: 'a', width: 1 });
    expect(await client.getStep(id)).toMatchObject({ type: 'resize', status: 'pending', maxRetries: 7 });
    await expect(client.submit(resize, { file: 'a' } as never)).rejects.toMatchObject({ field: 'args' });
    await expect(client.submit({ type: 'resize' } as never)).rejects.toMatchObject({ code: 'STEP_TYPE_UNKNOWN' });
  });

  test('gives a receipt, and many steps in their order', async () => {
    const queue = newQueue();
    const first = await queue.submitWithReceipt(ping, undefined, { idempotencyKey: 'k' });
    expect(first.receipt).toBe('created');
    expect(await queue.submitWithReceipt(ping, undefined, { idempotencyKey: 'k' })).toEqual({
      ...first,
      receipt: 'duplicate',
    });
    const files = ['a', 'b', 'c'].map((file) => ({ file, width: 1 }));
    const ids = await queue.submitMany(resize, files, { priority: 3 });
    const steps = await Promise.all(ids.map((id) => queue.getStep(id)));
    expect(steps.map(({ args, priority }) => [args, priority])).toEqual(files.map((args) => [args, 3]));
    const keyed = await queue.submitManyWithReceipts(resize, [...files, ...files], ({ file }) => ({
      idempotencyKey: file,
    }));
    expect(new Set(keyed.map(({ stepId }) => stepId)).size).toBe(3);
  });

  test('refuses bad args before anything is written, and names the place', async () => {
    const queue = newQueue();
    await expect(queue.submitMany(resize, [{ file: 'a', width: 1 }, { file: 1 } as never])).rejects.toMatchObject({
      code: 'STEP_INVALID',
      field: 'steps[1].args',
    });
    await expect(queue.submit('resize' as never, { file: 'a' } as never)).rejects.toBeInstanceOf(ValidationError);
    expect((await queue.listSteps().page()).steps).toEqual([]);
  });
});

test.each<[string, object]>([
  ['left out', { type: 'resize' }],
  ['undefined', { type: 'resize', args: undefined }],
])('the schema of a type refuses args that are %s, in its own words', async (_, step) => {
  const queue = newQueue().register(resize);
  const refused = queue.submit(step as never);
  await expect(refused).rejects.toMatchObject({ code: 'STEP_INVALID', field: 'args' });
  await expect(refused).rejects.toThrow(/^args: Invalid input: expected object, received undefined, got undefined$/);
  await expect(queue.submit(resize, undefined as never)).rejects.toThrow('expected object, received undefined');
});

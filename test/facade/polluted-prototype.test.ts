/** A host, or an old library in it, that puts an enumerable property on `Object.prototype`. */
import { afterEach, expect, test } from 'vitest';
import { newQueue, temporaryPath } from '../support/queues.js';
import { sqlite } from 'fleet-q/sqlite';
import { WORKER_URL } from '../store/sqlite/support/files.js';

const prototype = Object.prototype as Record<string, unknown>;

afterEach(() => {
  delete prototype['legacy'];
});

test.each([
  ['a text', 'x'],
  ['a function', () => 1],
  ['an object', { get: 1 }],
])('a queue works beside %s there', async (_, value) => {
  prototype['legacy'] = value;
  const store = sqlite({ path: temporaryPath(), workerUrl: WORKER_URL });
  const queue = newQueue({ store, retry: { baseMs: 1 } }).register('echo', (args: { n: number }) => args);
  await queue.start();
  const [one, ...more] = await queue.submitMany([
    { type: 'echo', args: { n: 1 }, metadata: { a: 1 } },
    { type: 'echo', args: { n: 2 }, delayMs: 1 },
  ]);
  expect(JSON.parse(JSON.stringify(await queue.waitFor(one!, { timeoutMs: 10_000 })))).toEqual({ n: 1 });
  for (const id of more) await queue.waitFor(id);
  expect((await queue.stats()).completedSteps).toBe(2);
  expect((await queue.listSteps({ type: 'echo' }).page()).steps).toHaveLength(2);
  await expect(queue.submit({ type: 'echo', args: { n: 1 }, legacy: 1 } as never)).rejects.toMatchObject({
    code: 'STEP_INVALID',
    field: 'legacy',
  });
});

test('a step type may be named like a member of Object.prototype', async () => {
  const queue = newQueue()
    .register('__proto__', () => 'ran')
    .register('constructor', () => 'ran');
  await queue.start();
  const ids = await queue.submitMany([{ type: '__proto__' }, { type: 'constructor' }]);
  for (const id of ids) expect(await queue.waitFor(id, { timeoutMs: 10_000 })).toBe('ran');
  expect(await queue.stats()).toMatchObject({ completedSteps: 2, unhandledTypes: [] });
});

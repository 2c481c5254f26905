/** `stats()`: when the store is asked, and what its option may be. */
import { describe, expect, test } from 'vitest';
import { faultySqlite, newQueue } from '../support/queues.js';

const AN_HOUR = 3_600_000;

describe('stats', () => {
  test('shows what was written before the call, unless the call accepts older counts', async () => {
    const store = faultySqlite();
    const queue = newQueue({ store });
    expect(await queue.stats()).toMatchObject({ pendingSteps: 0, ageMs: 0 });
    await queue.submit({ type: 'a' } as never);
    expect((await queue.stats({ maxAgeMs: AN_HOUR })).pendingSteps).toBe(0);
    expect((await queue.stats({ maxAgeMs: 0 })).pendingSteps).toBe(1);
    expect((await queue.stats({ maxAgeMs: AN_HOUR })).pendingSteps).toBe(1);
    expect(store.store.count('stats')).toBe(2);
  });

  test.each([
    [{ maxAgeMs: -1 }, 'options.maxAgeMs', 'got -1'],
    [{ maxAgeMs: NaN }, 'options.maxAgeMs', 'got NaN'],
    [{ maxAgeMs: '5' }, 'options.maxAgeMs', 'got "5"'],
    [{ maxAge: 5 }, 'options.maxAge', 'did you mean maxAgeMs?'],
    [null, 'options', 'expected an object'],
  ])('with %o is refused, and asks nothing', async (options, field, message) => {
    await expect(newQueue().stats(options as never)).rejects.toMatchObject({
      ...{ code: 'OPTION_INVALID', field, message: expect.stringContaining(message) },
    });
  });

  test('is refused after stop, although counts are kept', async () => {
    const queue = newQueue();
    await queue.stats();
    await queue.stop();
    await expect(queue.stats({ maxAgeMs: AN_HOUR })).rejects.toMatchObject({ code: 'STOPPED' });
  });
});

/** Calls of a store that have started and not settled. */
import { describe, expect, it } from 'vitest';
import { StoreError, ValidationError } from '../../src/errors.js';
import { OpenCalls } from '../../src/store/open-calls.js';
import { finishedRequest, kept, requestName } from '../support/contexts.js';

const toStoreError = (error: unknown): StoreError => new StoreError('STORE_UNAVAILABLE', String(error), true);

/** A call that the test ends. */
function pending() {
  let end!: (value: string) => void;
  const promise = new Promise<string>((resolve) => (end = resolve));
  return { end, work: () => promise };
}

describe('open calls', () => {
  it('are waited for by close, and no new one starts', async () => {
    const openCalls = new OpenCalls(toStoreError);
    const [first, second] = [pending(), pending()];
    const calls = [openCalls.run(first.work), openCalls.run(second.work)];
    let closed = false;
    const closing = openCalls.close().then(() => (closed = true));
    let begun = false;
    await expect(openCalls.run(async () => (begun = true))).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    expect(begun).toBe(false);
    first.end('one');
    await calls[0];
    await Promise.resolve();
    expect(closed).toBe(false);
    second.end('two');
    await closing;
    expect(await Promise.all(calls)).toEqual(['one', 'two']);
  });

  it('are waited for if they fail', async () => {
    const openCalls = new OpenCalls(toStoreError);
    const call = openCalls.run(() => Promise.reject(new Error('no')));
    await Promise.all([openCalls.close(), expect(call).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })]);
  });

  it('are forgotten when they have settled', async () => {
    const openCalls = new OpenCalls(toStoreError);
    const answered = await finishedRequest('answered', () => openCalls.run(async () => requestName()));
    expect(await kept([answered])).toEqual([]);
    await openCalls.close();
  });

  it('reject with a StoreError, and bad input with its ValidationError', async () => {
    const openCalls = new OpenCalls(toStoreError);
    const bad = new ValidationError('OPTION_INVALID', 'after', 'is no cursor');
    await expect(openCalls.run(() => Promise.reject(bad))).rejects.toBe(bad);
    await expect(openCalls.run(() => Promise.reject(new Error('no')))).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: 'Error: no',
    });
  });
});

/** Pauses, and waits under a signal: any number of them share one listener of a signal. */
import { getEventListeners } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { Queue } from './fifo-queue.js';
import { pause, unlessAborted } from './pause.js';
import { describeOnTestBed } from './suite.js';
import { useTestBed } from './use-test-bed.js';

const never = new Promise<void>(() => {});

test.each<[string, (signal: AbortSignal) => Promise<unknown>]>([
  ['pauses', (signal) => pause(60_000, signal)],
  ['waits for a promise', (signal) => unlessAborted(never, signal)],
])('twenty %s end together, with the reason of their signal', async (_, wait) => {
  const stopping = new AbortController();
  const waits = Array.from({ length: 20 }, () => wait(stopping.signal));
  expect(getEventListeners(stopping.signal, 'abort')).toHaveLength(1);
  stopping.abort('the reason');
  expect(await Promise.allSettled(waits)).toEqual(waits.map(() => ({ status: 'rejected', reason: 'the reason' })));
  await expect(wait(stopping.signal)).rejects.toBe('the reason');
  expect(getEventListeners(stopping.signal, 'abort')).toEqual([]);
});

test('what ends by itself leaves nothing on its signal', async () => {
  const { signal } = new AbortController();
  await Promise.all([pause(1, signal), pause(0, signal), unlessAborted(pause(1, signal), signal)]);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('a place that is taken leaves nothing on the signal of its waiter', async () => {
  const queue = new Queue(1);
  const { signal } = new AbortController();
  const free = await queue.acquire(signal);
  const next = queue.acquire(signal);
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  free();
  (await next)();
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  expect([queue.taken, queue.waiting]).toEqual([0, 0]);
});

describeOnTestBed('the proxy, with many requests at once', () => {
  const { bed, connect } = useTestBed();

  test('puts no listener for each of them on the signal with which it stops', async () => {
    const warnings: Error[] = [];
    const note = (warning: Error) => void warnings.push(warning);
    process.on('warning', note);
    onTestFinished(() => void process.off('warning', note));
    const drivers = await Promise.all(Array.from({ length: 15 }, () => connect()));
    bed().proxy.latency.configure({ networkMs: 200, statements: { metadata: 200 } });
    onTestFinished(() => bed().proxy.latency.configure({ networkMs: 0, statements: {} }));
    bed().proxy.faults.inject({ kind: 'slow', ms: 200 }, { kinds: ['metadata'], times: 15 });
    await Promise.all(drivers.map((driver) => driver.run('SELECT 1')));
    await new Promise((resolve) => setImmediate(resolve)); // a warning comes a tick later
    expect(warnings.filter(({ name }) => name === 'MaxListenersExceededWarning')).toEqual([]);
  });
});

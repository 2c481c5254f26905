import { getEventListeners } from 'node:events';
import { expect, test, vi } from 'vitest';
import { onAbort } from '../../src/runtime/abort.js';
import { sleep, systemRuntime } from '../../src/runtime/runtime.js';

const listenersOf = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

test('a thousand callbacks share one listener, and each is called once', () => {
  const controller = new AbortController();
  const callbacks = Array.from({ length: 1_000 }, () => vi.fn());
  for (const callback of callbacks) onAbort(controller.signal, callback);
  expect(listenersOf(controller.signal)).toBe(1);
  controller.abort();
  for (const callback of callbacks) expect(callback).toHaveBeenCalledOnce();
  expect(listenersOf(controller.signal)).toBe(0);
});

test('a callback that ended its wait is not called; when none is left, the signal holds nothing', () => {
  const controller = new AbortController();
  const callback = vi.fn();
  const [first, second] = [onAbort(controller.signal, callback), onAbort(controller.signal, callback)];
  first();
  first();
  expect(listenersOf(controller.signal)).toBe(1);
  second();
  expect(listenersOf(controller.signal)).toBe(0);
  onAbort(controller.signal, callback); // and it can be added again
  controller.abort();
  expect(callback).toHaveBeenCalledOnce();
});

test('sleeps under one signal end together, and leave nothing on it', async () => {
  const controller = new AbortController();
  const sleepers = Array.from({ length: 50 }, () => sleep(systemRuntime, 60_000, controller.signal));
  expect(listenersOf(controller.signal)).toBe(1);
  controller.abort();
  await Promise.all(sleepers);
  await sleep(systemRuntime, 60_000, controller.signal);
  expect(listenersOf(controller.signal)).toBe(0);
});

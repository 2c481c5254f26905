/** When a call is given up. */
import { getEventListeners } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';
import { withTimeout } from '../../src/runtime/with-timeout.js';

const never = (): Promise<never> => new Promise(() => undefined);

/** Timers that are set, and listeners on the signal. */
const left = (runtime: VirtualRuntime, signal: AbortSignal) => [
  runtime.pending,
  getEventListeners(signal, 'abort').length,
];

describe('a call that answers in time', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['with a value', async () => 7],
    ['with an error', async () => Promise.reject(new Error('no'))],
    [
      'with an error that it throws at once',
      () => {
        throw new Error('no');
      },
    ],
  ])('%s leaves neither a timer nor a listener', async (_, call) => {
    const runtime = new VirtualRuntime();
    const { signal } = new AbortController();
    const outcome = await withTimeout(runtime, call, { timeoutMs: 1_000, signal }).catch((error: unknown) => error);
    expect(outcome === 7 || (outcome as Error).message === 'no').toBe(true);
    expect(left(runtime, signal)).toEqual([0, 0]);
  });
});

describe('a call that does not answer', () => {
  it('is given up after its time-out, not before', async () => {
    const runtime = new VirtualRuntime();
    const { signal } = new AbortController();
    let outcome: unknown;
    void withTimeout(runtime, never, { timeoutMs: 1_000, signal, what: 'the helper' }).catch(
      (e: unknown) => (outcome = e),
    );
    await runtime.advance(999);
    expect(outcome).toBeUndefined();
    await runtime.advance(1);
    expect(outcome).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      transient: true,
      message: 'the helper did not answer within 1000 ms',
    });
    expect(left(runtime, signal)).toEqual([0, 0]);
  });

  it('is given up as soon as its signal aborts', async () => {
    const runtime = new VirtualRuntime();
    const controller = new AbortController();
    const outcome = withTimeout(runtime, never, { timeoutMs: 1_000, signal: controller.signal });
    controller.abort();
    await expect(outcome).rejects.toMatchObject({ code: 'STOPPED' });
    expect(runtime.pending).toBe(0);
  });
});

it('no call is made under a signal that has aborted', async () => {
  const call = vi.fn(never);
  const outcome = withTimeout(new VirtualRuntime(), call, { timeoutMs: 1_000, signal: AbortSignal.abort() });
  await expect(outcome).rejects.toMatchObject({ code: 'STOPPED' });
  expect(call).not.toHaveBeenCalled();
});

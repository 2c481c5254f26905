/** Which calls to the store are repeated, and how often. */
import { expect, it } from 'vitest';
import { repeatUnanswered } from '../../src/client/repeat-unanswered.js';
import { StoreError } from '../../src/errors.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';

const LOST = new StoreError('STORE_UNAVAILABLE', 'the connection was lost', true);

/** Calls a store that fails the given number of times; returns how often it was called, and the outcome. */
async function calls(error: Error, failures: number, closing = new AbortController()) {
  const runtime = new VirtualRuntime();
  let made = 0;
  const call = async (): Promise<string> => {
    made++;
    if (made <= failures) throw error;
    return 'done';
  };
  const outcome = await runtime.until(
    repeatUnanswered(runtime, closing.signal, call).catch((thrown: unknown) => thrown),
  );
  expect(runtime.pending).toBe(0);
  return { made, outcome };
}

it('repeats an unanswered call until the reply comes', async () => {
  expect(await calls(LOST, 3)).toEqual({ made: 4, outcome: 'done' });
});

it('repeats a call four times at most', async () => {
  expect(await calls(LOST, 100)).toEqual({ made: 5, outcome: LOST });
});

it.each([
  ['a store that was busy, which has been patient already', new StoreError('STORE_BUSY', 'busy', true)],
  ['a refusal, which would come again', new StoreError('STORE_REFUSED', 'no', false)],
  ['an error of another kind', new TypeError('no')],
])('does not repeat a call after %s', async (_, error) => {
  expect(await calls(error, 1)).toEqual({ made: 1, outcome: error });
});

it('does not repeat a call while the store is closing, which ends the pause at once', async () => {
  const runtime = new VirtualRuntime();
  const closing = new AbortController();
  let made = 0;
  const call = (): Promise<never> => {
    made++;
    return Promise.reject(LOST);
  };
  const outcome = repeatUnanswered(runtime, closing.signal, call).catch((thrown: unknown) => thrown);
  await runtime.settle();
  closing.abort();
  await runtime.settle();
  expect(runtime.pending).toBe(0);
  expect(await runtime.until(outcome)).toBe(LOST);
  expect(made).toBe(1);
});

/** Whether the store answered the last call of a client, and how the queue finds out that it answers again. */
import { expect, it } from 'vitest';
import { StoreError, ValidationError } from '../../src/errors.js';
import { QueueContext } from '../../src/runtime/async-context.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';
import { OPEN, StoreAnswers } from '../../src/store/store-answers.js';

const AWAY = new StoreError('STORE_UNAVAILABLE', 'away', true);
const REFUSES = new StoreError('STORE_LOGIN_REFUSED', 'no', false);

/** A store that fails with `error` as long as there is one, and answers each question after `tookMs`. */
function world(tookMs = 0) {
  const runtime = new VirtualRuntime();
  const state: { error: Error | undefined; asked: number; open: number; most: number } = {
    error: undefined,
    asked: 0,
    open: 0,
    most: 0,
  };
  const answers: StoreAnswers = new StoreAnswers(runtime, new QueueContext(), async (): Promise<void> => {
    state.asked++;
    state.most = Math.max(state.most, ++state.open);
    if (tookMs > 0) await new Promise<void>((resolve) => runtime.after(tookMs, resolve));
    state.open--;
    if (state.error === undefined) {
      answers.answered();
      return;
    }
    answers.failed('pulse', state.error);
    throw state.error;
  });
  return { runtime, state, answers };
}

it('begins unasked, and asks nothing while the store answers', async () => {
  const { runtime, state, answers } = world();
  expect([answers.state, answers.failing]).toEqual(['unasked', undefined]);
  answers.asked();
  expect(answers.state).toBe('asked');
  answers.answered();
  expect(answers.state).toBe('answered');
  await runtime.advance(3_600_000);
  expect([state.asked, runtime.pending]).toEqual([0, 0]);
});

it('asks again and again after a transient error, until the store answers', async () => {
  const { runtime, state, answers } = world();
  state.error = AWAY;
  answers.failed('submit', AWAY);
  await runtime.advance(60_000);
  expect(answers.failing).toMatchObject({ operation: 'pulse', error: AWAY, forMs: 60_000 });
  expect(state.asked).toBeGreaterThanOrEqual(6);
  expect(state.asked).toBeLessThanOrEqual(20);
  state.error = undefined;
  await runtime.advance(10_000);
  expect([answers.state, answers.failing]).toEqual(['answered', undefined]);
  const { asked } = state;
  await runtime.advance(3_600_000);
  expect([state.asked, runtime.pending]).toEqual([asked, 0]);
});

it('asks seldom after a permanent error', async () => {
  const { runtime, state, answers } = world();
  state.error = REFUSES;
  answers.failed('submit', REFUSES);
  await runtime.advance(14_000);
  expect(state.asked).toBe(0);
  await runtime.advance(106_000);
  expect(state.asked).toBeGreaterThanOrEqual(4);
  expect(state.asked).toBeLessThanOrEqual(8);
});

it('asks one question at a time, however many calls fail meanwhile', async () => {
  const { runtime, state, answers } = world(5_000);
  state.error = AWAY;
  answers.failed('submit', AWAY);
  for (let seconds = 0; seconds < 60; seconds++) {
    answers.failed('submit', AWAY);
    await runtime.advance(1_000);
  }
  expect(state.asked).toBeGreaterThan(2);
  expect(state.most).toBe(1);
});

it('takes no call for a failure that the store has answered, or that never reached it', () => {
  const { runtime, answers } = world();
  answers.answered();
  answers.failed('submit', new StoreError('STORE_REFUSED', 'no', false));
  answers.failed('submit', new StoreError('STORE_CLOSED', 'closed', false));
  answers.failed('list', new ValidationError('OPTION_INVALID', 'after', 'is no cursor'));
  expect([answers.failing, runtime.pending]).toEqual([undefined, 0]);
});

it('takes every failure to open the store for one', () => {
  const { answers } = world();
  answers.asked();
  answers.failed(OPEN, new ValidationError('OPTION_INVALID', 'deadAfterMs', 'is too short'));
  expect(answers.failing).toMatchObject({ operation: 'open' });
});

it('ends with its timer, and takes no more calls', async () => {
  const { runtime, state, answers } = world();
  state.error = AWAY;
  answers.failed('submit', AWAY);
  answers.stop();
  answers.failed('submit', AWAY);
  answers.answered();
  expect([answers.state, answers.watches, answers.failing, runtime.pending]).toEqual(['stopped', false, undefined, 0]);
  await runtime.advance(60_000);
  expect(state.asked).toBe(0);
});

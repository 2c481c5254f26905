/** The description of a step in the error of a wait that has timed out. */
import { expect, it } from 'vitest';
import { TimeoutDetails } from '../../src/client/timeout-details.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';
import type { StepRecord } from '../../src/store/contract.js';
import { handledTypes } from '../../src/stats.js';
import { viewOf } from '../fleet/support/views.js';

function recordOf(stepId: string, given: Partial<StepRecord> = {}): StepRecord {
  return {
    ...{ stepId, type: 'a', payload: '{"type":"a"}', status: 'pending', priority: 0, retryCount: 0, maxRetries: 3 },
    ...{ crashes: 0, version: 1, runAt: 0, createdAt: 0, updatedAt: 0, claimedBy: null, result: null, error: null },
    ...{ claimToken: null, incarnation: null },
    ...given,
  } as StepRecord;
}

function world(find: (ids: readonly string[]) => Promise<readonly StepRecord[]>) {
  const runtime = new VirtualRuntime({ wallMs: 1_000_000 });
  const asked: (readonly string[])[] = [];
  const closing = new AbortController();
  const store = {
    find: (ids: readonly string[]) => {
      asked.push(ids);
      return find(ids);
    },
    fleet: async () => [viewOf('p', { meta: { types: ['a'] } })],
  };
  const parts = { store, runtime, closing: closing.signal, handledBy: handledTypes };
  return { runtime, asked, closing, details: new TimeoutDetails(parts) };
}

it('describes the state of a step, and what it waits for', async () => {
  const records = new Map(
    [
      recordOf('claimed', { status: 'claimed', claimedBy: 'ada' }),
      recordOf('ended', { status: 'failed' }),
      recordOf('unhandled', { type: 'b' }),
      recordOf('later', { runAt: 1_005_000 }),
      recordOf('due'),
    ].map((record) => [record.stepId, record]),
  );
  const { runtime, details } = world(async (ids) => ids.flatMap((id) => records.get(id) ?? []));
  const ids = [...records.keys(), 'unknown'];
  const answers = await runtime.until(Promise.all(ids.map((id) => details.step(id))));
  expect(answers.map((answer) => answer?.text)).toEqual([
    'it is claimed by pod "ada"',
    'it is failed',
    'it is pending, and no pod is known to handle the type "b"',
    'it is pending, due in 5000 ms',
    'it is pending, and due',
    undefined,
  ]);
});

it('shares one query between the steps of one turn, and queries again in the next turn', async () => {
  const { runtime, asked, details } = world(async (ids) => ids.map((id) => recordOf(id)));
  const first = ['a', 'b', 'c'].map((id) => details.step(id));
  await runtime.until(Promise.all(first));
  const again = await runtime.until(details.step('d'));
  expect(asked).toEqual([['a', 'b', 'c'], ['d']]);
  expect(again?.step.stepId).toBe('d');
});

it('returns nothing if the store fails', async () => {
  const { runtime, details } = world(() => Promise.reject(new Error('no')));
  expect(await runtime.until(details.step('a'))).toBeUndefined();
});

it('returns nothing if the store does not answer within a second', async () => {
  const { runtime, details } = world(() => new Promise(() => undefined));
  let answered = false;
  void details.step('a').then(() => (answered = true));
  await runtime.advance(999);
  expect(answered).toBe(false);
  await runtime.advance(1);
  expect(answered).toBe(true);
});

it('returns nothing as soon as the store is closing', async () => {
  const { runtime, closing, details } = world(() => new Promise(() => undefined));
  const answer = details.step('a');
  await runtime.settle();
  closing.abort();
  expect(await answer).toBeUndefined();
  expect(runtime.pending).toBe(0);
});

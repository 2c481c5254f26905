/** Whom this process tells of what its user did to a step. */
import { expect, it } from 'vitest';
import { Queries } from '../../src/client/queries.js';
import { QueueContext } from '../../src/runtime/async-context.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';
import type { StepRecord } from '../../src/store/contract.js';
import { Told } from '../fleet/support/told.js';

function world(status: StepRecord['status']) {
  const runtime = new VirtualRuntime();
  const { events } = new Told();
  const heard: string[] = [];
  const record = { stepId: 's', type: 'a', status, version: 3 } as StepRecord;
  const queries = new Queries({
    store: {
      staleReadMs: 0,
      find: async () => [record],
      list: () => expect.unreachable(),
      cancel: async () => ['cancelled'],
      retry: async () => ['retried'],
    },
    runtime,
    events,
    context: new QueueContext(),
    ended: new AbortController().signal,
    onCancelled: (stepId) => heard.push(`the pool: ${stepId} is cancelled`),
    onRetried: () => heard.push('the pool: there may be work'),
  });
  events.onEnded((stepId) => heard.push(`waiters: ${stepId} has ended`));
  return { queries, heard };
}

it('waiters and the pool hear of a step that is cancelled', async () => {
  const { queries, heard } = world('claimed');
  expect(await queries.cancel('s')).toBe('cancelled');
  expect(heard).toEqual(['waiters: s has ended', 'the pool: s is cancelled']);
});

it('the pool hears of a step that is retried', async () => {
  const { queries, heard } = world('failed');
  expect(await queries.retry('s')).toBe('retried');
  expect(heard).toEqual(['the pool: there may be work']);
});

it('nobody hears of a step that is left as it is', async () => {
  const { queries, heard } = world('completed');
  expect(await queries.cancel('s')).toBe('alreadyTerminal');
  expect(await queries.retry('s')).toBe('notRetryable');
  expect(heard).toEqual([]);
});

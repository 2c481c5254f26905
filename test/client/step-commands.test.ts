/** Which parts of this process are notified of a command. */
import { expect, it } from 'vitest';
import { StepCommands } from '../../src/client/step-commands.js';
import { createLog } from '../../src/log.js';
import { QueueContext } from '../../src/runtime/async-context.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';
import type { StepRecord } from '../../src/store/contract.js';
import { RecordedEvents } from '../fleet/support/recorded-events.js';

function world(status: StepRecord['status']) {
  const runtime = new VirtualRuntime();
  const { events } = new RecordedEvents();
  const heard: string[] = [];
  const record = { stepId: 's', type: 'a', status, version: 3 } as StepRecord;
  const commands = new StepCommands({
    store: {
      staleReadMs: 0,
      find: async () => [record],
      cancel: async () => ['cancelled'],
      retry: async () => ['retried'],
    },
    runtime,
    events,
    log: createLog('client'),
    context: new QueueContext(),
    closing: new AbortController().signal,
    onCancelled: (stepId, version) => heard.push(`the pool: ${stepId} is cancelled at version ${version}`),
    onRetried: () => heard.push('the pool: there may be work'),
  });
  events.onEnded((stepId) => heard.push(`waiters: ${stepId} has ended`));
  return { commands, heard };
}

it('cancel notifies the waiters and the pool', async () => {
  const { commands, heard } = world('claimed');
  expect(await commands.cancel('s')).toBe('cancelled');
  expect(heard).toEqual(['waiters: s has ended', 'the pool: s is cancelled at version 4']);
});

it('retry notifies the pool', async () => {
  const { commands, heard } = world('failed');
  expect(await commands.retry('s')).toBe('retried');
  expect(heard).toEqual(['the pool: there may be work']);
});

it('a command that changes nothing notifies nobody', async () => {
  const { commands, heard } = world('completed');
  expect(await commands.cancel('s')).toBe('alreadyTerminal');
  expect(await commands.retry('s')).toBe('notRetryable');
  expect(heard).toEqual([]);
});

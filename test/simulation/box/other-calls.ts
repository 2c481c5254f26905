/** Calls that change no step: everything that reads, calls with bad input, and a recovery cycle by hand. */
import type { AnyFleetQ } from '../../../src/index.js';
import type { SimulatedProcess } from './simulated-process.js';

/** Reads all that the public API shows. Each answer is noted in a short form, which shows that there was one. */
export async function lookAround(caller: SimulatedProcess): Promise<void> {
  const pages = async (queue: AnyFleetQ): Promise<number> => {
    let count = 0;
    for await (const step of queue.listSteps({ pageSize: 7 })) if (step.stepId !== '') count++;
    return count;
  };
  const looks: readonly (readonly [string, (queue: AnyFleetQ) => Promise<unknown>])[] = [
    ['listSteps', pages],
    ['listSteps', (queue) => queue.listSteps({ status: 'failed', type: 'plain' }).page()],
    ['listSteps', (queue) => queue.listSteps({ order: 'newest', pageSize: 3 }).page()],
    ['stats', (queue) => queue.stats()],
    ['pods', (queue) => queue.pods()],
    ['leader', (queue) => queue.leader()],
    ['recoveryHistory', (queue) => queue.recoveryHistory({ limit: 2 })],
    ['getStep', (queue) => queue.getStep('no such step')],
    ['waitFor', (queue) => queue.waitFor('no such step', { timeoutMs: 100 })],
  ];
  for (const [method, look] of looks) await caller.call(method, look, { look: true }, () => ({}));
  caller.queue.health();
}

/** Each of these must be refused before anything is written. */
export async function misuse(caller: SimulatedProcess): Promise<void> {
  const calls: readonly ((queue: AnyFleetQ) => Promise<unknown>)[] = [
    (queue) => queue.submit({ type: 'plain', args: { big: 1n } } as never),
    (queue) => queue.submit({ type: '', args: null }),
    (queue) => queue.submit({ type: 'plain', args: {}, priority: 0.5 }),
    (queue) => queue.submit({ type: 'plain', args: { text: 'x'.repeat(10_000) } }),
    (queue) => queue.submit({ type: 'plain', args: {}, delayMs: -1 }),
    (queue) => queue.submit({ type: 'plain', args: {}, stepId: '' }),
    (queue) => queue.submitMany([{ type: 'plain', args: {}, maxRetries: -1 }]),
    (queue) => queue.cancel(''),
    (queue) => queue.retry(7 as never),
    (queue) => queue.waitFor('s0000', { timeoutMs: Number.NaN }),
    (queue) => queue.listSteps({ after: 'no cursor' }).page(),
  ];
  for (const call of calls) await caller.call('misuse', call);
}

export async function recoverByHand(caller: SimulatedProcess): Promise<void> {
  await caller.call(
    'runRecovery',
    (queue) => queue.runRecovery({ dryRun: true }),
    {},
    () => ({}),
  );
  await caller.call(
    'runRecovery',
    (queue) => queue.runRecovery({ force: true }),
    {},
    () => ({}),
  );
}

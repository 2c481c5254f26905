/** Calls that change no step: everything that reads, and a recovery cycle by hand. */
import type { AnyFleetQ, RecoveryOptions, StepFilter } from '../../../src/index.js';
import type { SimulatedProcess } from './simulated-process.js';

type Look = readonly [method: string, look: (queue: AnyFleetQ) => Promise<unknown>];

const MOST_LISTED = 30;

const pages = (filter: StepFilter) => async (queue: AnyFleetQ) => {
  let count = 0;
  for await (const step of queue.listSteps(filter)) {
    if (step.stepId !== '') count++;
    if (count === MOST_LISTED) break; // a long list by small pages takes longer than a call may
  }
  return count;
};
const page = (filter: StepFilter) => (queue: AnyFleetQ) => queue.listSteps(filter).page();

/** A second page by the cursor of the first, and one of another listing by the same cursor, which is refused. */
async function byCursor(queue: AnyFleetQ): Promise<unknown> {
  const { next } = await page({ pageSize: 1 })(queue);
  if (next === null) return 'no second page';
  await page({ pageSize: 2, after: next })(queue);
  await page({ pageSize: 2, after: damaged(next) })(queue).catch(() => undefined);
  return page({ order: 'newest', after: next })(queue);
}

/** The cursor's mark of its listing is as it was, the row behind it is not. */
function damaged(cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString();
  return Buffer.from(`${text.slice(0, 7)}no row`).toString('base64url');
}

const LOOKS: readonly Look[] = [
  ['listSteps', pages({ pageSize: 7 })],
  ['stats', (queue) => queue.stats()],
  ['pods', (queue) => queue.pods()],
  ['leader', (queue) => queue.leader()],
  ['listSteps', page({ status: 'failed', type: 'plain' })],
  ['getStep', (queue) => queue.getStep('no such step')],
  ['listSteps', pages({ order: 'newest', pageSize: 3, claimedBy: 'pod-1' })],
  ['recoveryHistory', (queue) => queue.recoveryHistory({ limit: 2 })],
  ['waitFor', (queue) => queue.waitFor('no such step', { timeoutMs: 100 })],
  ['listSteps', page({ status: ['completed', 'failed'], type: ['plain', 'timed'], order: 'newest' })],
  ['stats', (queue) => queue.stats({ maxAgeMs: 1_000 })],
  ['listSteps', byCursor],
  ['listSteps', pages({ createdAfter: 0, createdBefore: new Date(4_000_000_000_000.5), pageSize: 4 })],
  ['listSteps', page({ after: 'no cursor' })],
  ['listSteps', pages({ createdAfter: new Date(1.5), status: 'completed', pageSize: 1 })],
  ['waitFor', (queue) => queue.waitFor('no such step')],
];

/** How many of them one action makes. */
const AT_ONCE = 9;

/** Reads what the public API shows, from a number of the plan on. Each answer is noted in a short form: that there was one. */
export async function lookAround(caller: SimulatedProcess, from: number): Promise<void> {
  for (let i = 0; i < AT_ONCE; i++) {
    const [method, look] = LOOKS[(from + i) % LOOKS.length]!;
    await caller.call(method, look, { look: true }, () => ({}));
  }
}

export async function recoverByHand(caller: SimulatedProcess): Promise<void> {
  await recover(caller, { dryRun: true });
  await recover(caller, { force: true });
}

/** What a recovery would do, asked of any pod. */
export function preview(caller: SimulatedProcess): Promise<void> {
  return recover(caller, { dryRun: true, force: true });
}

async function recover(caller: SimulatedProcess, options: RecoveryOptions): Promise<void> {
  await caller.call(
    'runRecovery',
    (queue) => queue.runRecovery(options),
    {},
    () => ({}),
  );
}

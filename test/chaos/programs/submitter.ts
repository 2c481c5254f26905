/**
 * A process that only submits: singly and in bulk, under its own keys and under keys that others submit too. It also
 * cancels, retries by hand and waits. It writes to its ledger what it is about to do, and each reply.
 */
import { setTimeout as pause } from 'node:timers/promises';
import {
  FleetQ,
  FleetQError,
  StepCancelledError,
  StepFailedError,
  StoreError,
  SubmitIncompleteError,
  type StepId,
} from 'fleet-q';
import { Random } from '../random.js';
import { draw, type Args, type Result, type StepType, type Work } from '../workload.js';
import { storeIn, surroundings } from './process.js';

type Steps = Record<StepType, { args: Args; result: Result }>;

const ACTS = { some: 40, many: 8, keyed: 25, cancel: 12, retry: 8, wait: 7 } as const;
const REMEMBERED = 100;
const MOST_WAITERS = 5;
/** For how long all submitters submit the same key. */
const KEY_LASTS_MS = 400;
/** Whether an error of the store may be temporary. */
const PASSING = ['STORE_BUSY', 'WAIT_TIMEOUT', 'WAIT_ABORTED', 'STOPPED'];

const { folder, life, ledger } = surroundings();
const queue = new FleetQ<Steps>({ store: storeIn(folder), podId: life });
const random = new Random(life);
const recent: StepId<Result>[] = [];
const ended: string[] = [];
const stopping = new AbortController();
let submissions = 0;
let waiters = 0;

function next(): Work {
  const work = draw(random, life, ++submissions);
  ledger.write('submitting', { origin: life, n: submissions, type: work.type });
  return work;
}

function acknowledged(stepId: StepId<Result>, { args, type }: Work, how?: string): void {
  ledger.write('acknowledged', { stepId, origin: args.origin, n: args.n, type, ...(how === undefined ? {} : { how }) });
  remember(recent, stepId);
  if (type === 'doomed' || type === 'odd') remember(ended, stepId);
}

function remember<T extends string>(list: T[], stepId: T): void {
  list.push(stepId);
  if (list.length > REMEMBERED) list.shift();
}

async function submit(work: Work, idempotencyKey?: string): Promise<void> {
  const key = idempotencyKey === undefined ? {} : { idempotencyKey };
  const { stepId, receipt } = await queue.submitWithReceipt({ ...work, ...key });
  acknowledged(stepId, work, receipt);
}

async function submitMany(): Promise<void> {
  const works = Array.from({ length: random.between(2, 120) }, next);
  try {
    const ids = await queue.submitMany(works);
    ids.forEach((stepId, i) => acknowledged(stepId, works[i]!));
  } catch (error) {
    if (error instanceof SubmitIncompleteError) error.stepIds.forEach((stepId, i) => acknowledged(stepId, works[i]!));
    throw error;
  }
}

/** All submitters submit the same keys at about the same time, mostly with the same args. */
async function submitKeyed(): Promise<void> {
  const n = Math.floor(Date.now() / KEY_LASTS_MS);
  const work = draw(new Random('key', n), 'key', n);
  ledger.write('submitting', { origin: 'key', n, type: work.type });
  await submit(random.chance(0.1) ? { ...work, args: { ...work.args, other: true } } : work, `key-${n}`);
}

async function cancel(): Promise<void> {
  if (recent.length === 0) return;
  const stepId = random.chance(0.5) ? recent.at(-1)! : random.pick(recent);
  ledger.write('cancelling', { stepId });
  const answer = await queue.cancel(stepId);
  ledger.write('answered', { stepId, how: answer });
  if (answer === 'cancelled') remember(ended, stepId);
}

async function retry(): Promise<void> {
  if (ended.length === 0) return;
  const stepId = random.pick(ended);
  ledger.write('retryingByHand', { stepId });
  ledger.write('answered', { stepId, how: await queue.retry(stepId) });
}

async function wait(): Promise<void> {
  if (recent.length === 0 || waiters >= MOST_WAITERS) return;
  const stepId = random.pick(recent);
  waiters++;
  try {
    const { run } = await queue.waitFor(stepId, {
      timeoutMs: 5_000,
      signal: stopping.signal,
    });
    ledger.write('waited', { stepId, run });
  } catch (error) {
    if (!(error instanceof StepFailedError || error instanceof StepCancelledError)) refused(error);
  } finally {
    waiters--;
  }
}

/** The errors that a locked file may cause. No other may happen. */
function refused(error: unknown): void {
  const cause = error instanceof SubmitIncompleteError ? error.cause : error;
  const passing =
    cause instanceof FleetQError && ((cause instanceof StoreError && cause.transient) || PASSING.includes(cause.code));
  if (passing) ledger.write('refused', { how: cause.code });
  else ledger.write('broken', { how: String((error as Error).stack ?? error) });
}

async function act(): Promise<void> {
  switch (random.weighted(ACTS)) {
    case 'some':
      await Promise.all(Array.from({ length: random.between(1, 8) }, () => submit(next())));
      return;
    case 'many':
      return submitMany();
    case 'keyed':
      return submitKeyed();
    case 'cancel':
      return cancel();
    case 'retry':
      return retry();
    case 'wait':
      void wait(); // in the background, while it goes on submitting
  }
}

process.on('SIGTERM', () => stopping.abort());
ledger.write('ready');
while (!stopping.signal.aborted) {
  await act().catch(refused);
  await pause(random.between(20, 160), undefined, { signal: stopping.signal }).catch(() => {});
}
await queue.stop();
ledger.write('stopped');
process.exit(0);

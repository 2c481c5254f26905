/**
 * The forms in which callers of a simulated fleet submit steps.
 *
 * Invariants: every form but those without ids names the same steps by the same ids, however often any caller submits them.
 */
import type { AnyFleetQ } from '../../../src/index.js';
import type { Action } from '../plan/plan.js';
import type { SimulatedProcess } from './simulated-process.js';
import { definitionOf } from './step-types.js';

export type Submission = Extract<Action, { readonly do: 'submit' }>;

interface Receipt {
  readonly stepId: string;
  readonly receipt: string;
}

/** How a process submits these steps: calls of its queue, each for some of them. */
interface Sending {
  readonly caller: SimulatedProcess;
  readonly submission: Submission;
  readonly names: readonly string[];
  readonly options: { readonly priority: number; readonly maxRetries: number; readonly delayMs?: number };
}

type Form = (sending: Sending) => Promise<readonly (readonly string[] | undefined)[]>;

const ofOne = ({ stepId, receipt }: Receipt) => ({ stepIds: [stepId], answer: [receipt] });
const ofMany = (receipts: readonly Receipt[]) => ({
  stepIds: receipts.map(({ stepId }) => stepId),
  answer: receipts.map(({ receipt }) => receipt),
});

function definition({ submission }: Sending) {
  return definitionOf(submission.type, () => null) as never;
}

/** One call for each step. */
function each(
  sending: Sending,
  call: (queue: AnyFleetQ, name: string) => Promise<Receipt>,
  how: (name: string) => { readonly stepId?: string; readonly key?: string },
): Promise<(readonly string[] | undefined)[]> {
  const { caller, names } = sending;
  return Promise.all(
    names.map(async (name) => {
      const receipt = await caller.call('submit', (queue) => call(queue, name), how(name), ofOne);
      return receipt && [receipt.stepId];
    }),
  );
}

async function batch(
  { caller, names, submission, options }: Sending,
  call: (queue: AnyFleetQ) => Promise<readonly Receipt[]>,
): Promise<(readonly string[] | undefined)[]> {
  const details = { stepIds: names, type: submission.type, ...options };
  const receipts = await caller.call('submitMany', call, details, ofMany);
  return [receipts?.map(({ stepId }) => stepId)];
}

const stepOf = ({ submission, options }: Sending) => ({
  type: submission.type,
  args: submission.behaviour,
  ...options,
});

/** Args that look as if they carried a trace. */
const argsLikeATrace = ({ submission }: Sending) => ({ ...submission.behaviour, trace: { a: 1 }, z: 'c' });

const FORMS: Readonly<Record<NonNullable<Submission['form']> | 'as a list', Form>> = {
  'as a list': (sending) =>
    batch(sending, (queue) =>
      queue.submitManyWithReceipts(sending.names.map((stepId) => ({ ...stepOf(sending), stepId }))),
    ),
  'one by one': (sending) =>
    each(
      sending,
      (queue, stepId) => queue.submitWithReceipt({ ...stepOf(sending), stepId }),
      (stepId) => ({ stepId }),
    ),
  'by definition': (sending) =>
    batch(sending, (queue) =>
      queue.submitManyWithReceipts(
        definition(sending),
        sending.names.map(() => sending.submission.behaviour) as never,
        ((_args: unknown, i: number) => ({ ...sending.options, stepId: sending.names[i] })) as never,
      ),
    ),
  'under a key': (sending) =>
    each(
      sending,
      (queue, key) => queue.submitWithReceipt({ ...stepOf(sending), idempotencyKey: key }),
      (name) => ({ key: keyOf(sending, name) }),
    ),
  'under a key, by definition': (sending) =>
    each(
      sending,
      (queue, key) =>
        queue.submitWithReceipt(
          definition(sending),
          sending.submission.behaviour as never,
          { ...sending.options, idempotencyKey: key } as never,
        ),
      (name) => ({ key: keyOf(sending, name) }),
    ),
  'for an instant': (sending) => {
    const { delayMs = 0, ...options } = sending.options;
    const runAt = sending.caller.trueTime + delayMs;
    const step = { type: sending.submission.type, args: sending.submission.behaviour, ...options };
    return batch(sending, (queue) =>
      queue.submitManyWithReceipts(
        sending.names.map((stepId, i) => ({ ...step, runAt: i === 0 ? new Date(runAt) : runAt, stepId })),
      ),
    );
  },
  'without ids': (sending) =>
    batch({ ...sending, names: [] }, (queue) =>
      queue.submitManyWithReceipts(
        new Set(
          sending.names.map((name) => ({ ...stepOf(sending), args: argsLikeATrace(sending), metadata: { name } })),
        ),
      ),
    ),
  'each twice': (sending) =>
    batch(sending, (queue) =>
      queue.submitManyWithReceipts(
        [...sending.names, ...sending.names].map((stepId) => ({ ...stepOf(sending), stepId })),
      ),
    ),
  'without args': (sending) => {
    const { type } = sending.submission;
    // Every other one says so.
    const none = (i: number): object => (i % 2 === 1 ? { args: undefined } : {});
    return batch(sending, (queue) =>
      queue.submitManyWithReceipts(
        sending.names.map((stepId, i) => ({ type, ...sending.options, ...none(i), stepId })),
      ),
    );
  },
};

/** Submits steps under these names. Resolves with the ids that were acknowledged. */
export async function send(
  caller: SimulatedProcess,
  submission: Submission,
  names: readonly string[],
): Promise<string[]> {
  const { priority, maxRetries, delayMs, form = 'as a list' } = submission;
  const options = { priority, maxRetries, ...(delayMs > 0 ? { delayMs } : {}) };
  const acknowledged = await FORMS[form]({ caller, submission, names, options });
  return acknowledged.flatMap((stepIds) => stepIds ?? []);
}

/** Submits small steps of many types in one call. */
export function pileUp(
  caller: SimulatedProcess,
  piled: readonly { readonly type: string; readonly priority: number; readonly name: string }[],
  { behaviour, maxRetries, delayMs }: Pick<Submission, 'behaviour' | 'maxRetries' | 'delayMs'>,
): Promise<unknown> {
  const steps = piled.map(({ name, ...rest }) => ({ ...rest, args: behaviour, maxRetries, delayMs, stepId: name }));
  const details = { stepIds: piled.map(({ name }) => name), delayMs, maxRetries };
  return caller.call('submitMany', (queue) => queue.submitManyWithReceipts(steps), details, ofMany);
}

/** Whether the form names steps by the ids that it is given. */
export function namesIds({ form }: Submission): boolean {
  return form !== 'without ids' && form !== 'under a key' && form !== 'under a key, by definition';
}

/** The key of a step belongs to its type. */
function keyOf({ submission }: Sending, name: string): string {
  return `${submission.type} ${name}`;
}

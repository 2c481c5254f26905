/** Submitting: which calls share a commit, and what happens to them if it fails. */
import { beforeEach, describe, expect, it } from 'vitest';
import { Submitter } from '../../src/client/submitter.js';
import { StoreError } from '../../src/errors.js';
import { Events } from '../../src/events.js';
import { createLog } from '../../src/log.js';
import { resolveOptions } from '../../src/options.js';
import { QueueContext } from '../../src/runtime/async-context.js';
import { sleep } from '../../src/runtime/runtime.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';
import { StepRegistry } from '../../src/step/step-registry.js';
import type { NewStep } from '../../src/step/submission.js';

const BATCH = 10;
const WRITE_MS = 50;
const REFUSED = new StoreError('STORE_REFUSED', 'the store cannot hold it', false);
const LOST = new StoreError('STORE_UNAVAILABLE', 'the connection was lost', true);

let runtime: VirtualRuntime;
let submitter: Submitter;
let closing: AbortController;
/** The ids of each commit that reached the store. */
let commits: string[][];
let committed: number;
let writing: number;
let mostWriting: number;
let fails: (steps: readonly NewStep[]) => Error | undefined;

beforeEach(() => {
  runtime = new VirtualRuntime();
  closing = new AbortController();
  [commits, committed, writing, mostWriting] = [[], 0, 0, 0];
  fails = () => undefined;
  submitter = new Submitter({
    store: {
      submit: async (steps) => {
        commits.push(steps.map(({ stepId }) => stepId));
        mostWriting = Math.max(mostWriting, ++writing);
        await sleep(runtime, WRITE_MS);
        writing--;
        const error = fails(steps);
        if (error !== undefined) throw error;
        return steps.map(() => 'created' as const);
      },
    },
    submitBatch: BATCH,
    runtime,
    events: new Events(createLog('events')),
    context: new QueueContext(),
    log: createLog('client'),
    settings: resolveOptions({ runtime }),
    registry: new StepRegistry(),
    closing: closing.signal,
    onCommitted: () => void committed++,
  });
});

const submit = (stepId: string): Promise<unknown> =>
  submitter.submit({ type: 'a', stepId }).catch((error: unknown) => error);
const submitAll = (stepIds: readonly string[]): Promise<unknown[]> => Promise.all(stepIds.map(submit));
const stepsOf = (stepIds: readonly string[]) => stepIds.map((stepId) => ({ type: 'a', stepId }));
const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `s${i}`);

describe('submit', () => {
  it('shares a commit with the calls of its turn, and with those that come during another commit', async () => {
    const first = submitAll(['a', 'b']);
    await runtime.advance(WRITE_MS / 2);
    const second = [submit('c'), submit('d')];
    await runtime.until(Promise.all([first, ...second]));
    expect(commits).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    expect(mostWriting).toBe(1);
    expect(committed).toBe(2);
  });

  it('writes no more steps at once than the store allows', async () => {
    await runtime.until(submitAll(ids(25)));
    expect(commits.map(({ length }) => length)).toEqual([10, 10, 5]);
  });

  it('writes again after a pause', async () => {
    await runtime.until(submit('a'));
    await runtime.advance(1_000);
    await runtime.until(submit('b'));
    expect(commits).toEqual([['a'], ['b']]);
  });

  it('fails for the step that the store refuses, and for no other step of its commit', async () => {
    fails = (steps) => (steps.some(({ stepId }) => stepId === 'b') ? REFUSED : undefined);
    const outcomes = await runtime.until(submitAll(['a', 'b', 'c']));
    expect(outcomes).toEqual([{ stepId: 'a', receipt: 'created' }, REFUSED, { stepId: 'c', receipt: 'created' }]);
  });

  it('fails for every step of a commit that failed for another reason, and sends it once', async () => {
    const busy = new StoreError('STORE_BUSY', 'busy', true);
    fails = () => busy;
    expect(await runtime.until(submitAll(['a', 'b']))).toEqual([busy, busy]);
    expect(commits).toHaveLength(1);
  });

  it('sends the same id again if the reply does not come', async () => {
    fails = () => (commits.length < 3 ? LOST : undefined);
    expect(await runtime.until(submit('a'))).toEqual({ stepId: 'a', receipt: 'created' });
    expect(commits).toEqual([['a'], ['a'], ['a']]);
  });

  it('writes nothing while the store is closing', async () => {
    closing.abort();
    expect(await runtime.until(submit('a'))).toMatchObject({ code: 'STOPPED' });
    expect(commits).toEqual([]);
  });
});

describe('submitMany', () => {
  it('notifies the pool after each commit', async () => {
    const receipts = await runtime.until(submitter.submitMany(stepsOf(ids(25))));
    expect(receipts.map(({ stepId }) => stepId)).toEqual(ids(25));
    expect(commits.map(({ length }) => length)).toEqual([10, 10, 5]);
    expect(committed).toBe(3);
  });

  it('reports exactly the committed ids if a commit fails', async () => {
    fails = () => (commits.length === 3 ? REFUSED : undefined);
    const error: unknown = await runtime.until(
      submitter.submitMany(stepsOf(ids(25))).catch((thrown: unknown) => thrown),
    );
    expect(error).toMatchObject({ code: 'SUBMIT_INCOMPLETE', stepIds: ids(20), cause: REFUSED });
  });
});

describe('finish', () => {
  it('waits for every call that was made before it', async () => {
    let answered = 0;
    const calls = [submit('a')];
    await runtime.advance(WRITE_MS / 2);
    calls.push(submit('b'));
    for (const call of calls) void call.then(() => answered++);
    await runtime.until(submitter.finish());
    await runtime.settle();
    expect(answered).toBe(2);
  });
});

/** `StoreError` of another copy of the package: a store from elsewhere may have its own. */
class ForeignStoreError extends Error {
  override readonly name = 'StoreError';
  constructor(
    readonly code: string,
    readonly transient: boolean,
  ) {
    super(code);
  }
}

describe('a store whose errors are of another copy of the package', () => {
  it('fails only the step that it refuses', async () => {
    fails = (steps) =>
      steps.some(({ stepId }) => stepId === 'bad') ? new ForeignStoreError('STORE_REFUSED', false) : undefined;
    const results = await runtime.until(submitAll(['a', 'bad', 'b']));
    expect(results).toMatchObject([{ stepId: 'a' }, { code: 'STORE_REFUSED' }, { stepId: 'b' }]);
  });

  it('is sent a call again if its reply did not come', async () => {
    let calls = 0;
    fails = () => (++calls === 1 ? new ForeignStoreError('STORE_UNAVAILABLE', true) : undefined);
    expect(await runtime.until(submit('a'))).toMatchObject({ stepId: 'a' });
    expect(calls).toBe(2);
  });
});

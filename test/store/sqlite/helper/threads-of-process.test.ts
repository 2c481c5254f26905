/** The checkpoints that a store sends to its helper thread, and the sharing of threads. The test plays the thread. */
import { describe, expect, it } from 'vitest';
import { createLog } from '../../../../src/log.js';
import { VirtualRuntime } from '../../../../src/runtime/virtual-runtime.js';
import { StoreHelper } from '../../../../src/store/sqlite/helper/store-helper.js';
import type { HelperFile, HelperRequest, Value } from '../../../../src/store/sqlite/helper/messages.js';
import type { HelperThread } from '../../../../src/store/sqlite/helper/helper-thread.js';
import { ThreadsOfProcess } from '../../../../src/store/sqlite/helper/threads-of-process.js';
import { turn } from '../support/files.js';

const WORKER = new URL('file:///nowhere/worker.js');
const fileOf = (key: string): HelperFile => ({ key, path: `/${key}`, identity: { device: 1n, inode: 1n } });

interface GivenTask {
  readonly request: HelperRequest;
  readonly answer: (value: Value) => void;
  readonly fail: (error: Error) => void;
}

/** A thread whose answers and end the test decides. */
class PlayedThread {
  readonly tasks: GivenTask[] = [];
  readonly closed: string[] = [];
  readonly unloadable = false;
  gone: Error | undefined;
  ended = 0;
  readonly #onGone = new Set<(error: Error) => void>();

  onGone(listener: (error: Error) => void): () => void {
    this.#onGone.add(listener);
    return () => this.#onGone.delete(listener);
  }

  run(request: HelperRequest): Promise<Value> {
    return new Promise((answer, fail) => this.tasks.push({ request, answer, fail }));
  }

  async close(key: string): Promise<void> {
    this.closed.push(key);
  }

  async end(): Promise<void> {
    this.ended++;
  }

  /** Exits, and calls its listeners as `HelperThread` does. */
  exit(): void {
    const error = (this.gone = new Error('gone'));
    for (const listener of [...this.#onGone]) listener(error);
    for (const { fail } of this.tasks) fail(error);
  }
}

function played() {
  const started: PlayedThread[] = [];
  const threads = new ThreadsOfProcess(() => {
    const thread = new PlayedThread();
    started.push(thread);
    return thread as unknown as HelperThread;
  });
  return { started, threads };
}

function newHelper(threads: ThreadsOfProcess, key = 'a') {
  const runtime = new VirtualRuntime();
  const helper = new StoreHelper({
    ...{ threads, workerUrl: WORKER, file: fileOf(key), busyTimeoutMs: 1_000, log: createLog('test') },
    ...{ monotonicMs: () => runtime.monotonicMs(), onGone: () => undefined, onBack: () => undefined },
  });
  return { helper, runtime };
}

describe('checkpoints', () => {
  it('run one at a time; rows written meanwhile count for the next one', async () => {
    const { started, threads } = played();
    const { helper } = newHelper(threads);
    helper.wrote(1_000);
    helper.wrote(1_500);
    const [thread] = started;
    expect(thread!.tasks).toMatchObject([{ request: { name: 'checkpoint' } }]);
    thread!.tasks[0]!.answer(null);
    await turn();
    helper.wrote(1);
    expect(thread!.tasks).toHaveLength(2);
  });

  it('run again after another thousand rows', async () => {
    const { started, threads } = played();
    const { helper } = newHelper(threads);
    helper.wrote(1_000);
    started[0]!.tasks[0]!.answer(null);
    await turn();
    helper.wrote(999);
    expect(started[0]!.tasks).toHaveLength(1);
    helper.wrote(1);
    expect(started[0]!.tasks).toHaveLength(2);
  });

  it('run again after one that failed', async () => {
    const { started, threads } = played();
    const { helper } = newHelper(threads);
    helper.wrote(1_000);
    started[0]!.tasks[0]!.fail(new Error('busy'));
    await turn();
    helper.wrote(1_000);
    expect(started[0]!.tasks).toHaveLength(2);
  });
});

describe('a thread', () => {
  it('starts once for all files and ends with the last store; each file closes with its own last store', async () => {
    const { started, threads } = played();
    const [one, other, second] = ['a', 'a', 'b'].map((key) => threads.share(WORKER, fileOf(key)));
    expect(started).toHaveLength(1);
    const [thread] = started;
    await one!.release();
    expect([thread!.closed, thread!.ended]).toEqual([[], 0]);
    await other!.release();
    await other!.release(); // a second release does nothing
    expect([thread!.closed, thread!.ended]).toEqual([['a'], 0]);
    await second!.release();
    expect([thread!.closed, thread!.ended]).toEqual([['a', 'b'], 1]);
  });

  it('is not shared with a later store once it has exited', async () => {
    const { started, threads } = played();
    const before = threads.share(WORKER, fileOf('a'));
    started[0]!.exit();
    const after = threads.share(WORKER, fileOf('a'));
    expect(started).toHaveLength(2);
    await before.release();
    expect(started[0]!.closed).toEqual([]); // no thread is left to close it
    expect(threads.share(WORKER, fileOf('a')).thread).toBe(after.thread);
  });

  it('is released by a store that has lost it, which starts another one after a pause', async () => {
    const { started, threads } = played();
    const { helper, runtime } = newHelper(threads);
    const stats = helper.stats(1);
    started[0]!.exit();
    await expect(stats).rejects.toThrow();
    expect(started[0]!.ended).toBe(1);
    await runtime.advance(60_000);
    void helper.stats(1).catch(() => undefined);
    expect(started).toHaveLength(2);
    await helper.close();
    expect(started[1]!.ended).toBe(1);
  });
});

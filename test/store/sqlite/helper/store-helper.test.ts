/** The helper thread, and the store without it. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readlinkSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Log } from '../../../../src/log.js';
import { systemRuntime, type Runtime } from '../../../../src/runtime/runtime.js';
import { VirtualRuntime } from '../../../../src/runtime/virtual-runtime.js';
import type { Store } from '../../../../src/store/contract.js';
import { Checkpoints } from '../../../../src/store/sqlite/helper/checkpoints.js';
import { StoreHelper } from '../../../../src/store/sqlite/helper/store-helper.js';
import type { HelperFile } from '../../../../src/store/sqlite/helper/messages.js';
import { HelperThread } from '../../../../src/store/sqlite/helper/helper-thread.js';
import { ThreadsOfProcess } from '../../../../src/store/sqlite/helper/threads-of-process.js';
import { resolveOptions } from '../../../../src/store/sqlite/options.js';
import { SqliteStore } from '../../../../src/store/sqlite/store.js';
import { newStep, newSteps, settlement } from '../../../conformance/harness.js';
import { temporaryFolder } from '../../../support/temp.js';
import {
  claimed,
  eventually,
  history,
  joined,
  newCore,
  newFile,
  newStore,
  POD,
  rawConnection,
  turn,
  WORKER_URL,
} from '../support/files.js';

const NOWHERE = new URL('./no-such-worker.js', import.meta.url);

/** A log that keeps its lines. */
function memoryLog(): Log & { readonly lines: string[] } {
  const lines: string[] = [];
  const write = (_fields: object, message: string): void => void lines.push(message);
  const log: Log & { lines: string[] } = {
    ...{ lines, verbose: true, writes: () => true, debug: write, info: write, warn: write, error: write },
    with: () => log,
  };
  return log;
}

/** The identity of a file, which is created if it is missing. */
function fileOf(path: string): HelperFile {
  if (!existsSync(path)) writeFileSync(path, '');
  const { dev, ino } = statSync(path, { bigint: true });
  return { key: `${dev}:${ino}`, path, identity: { device: dev, inode: ino } };
}

function newHelper(path: string, workerUrl: URL, threads = new ThreadsOfProcess(), runtime: Runtime = systemRuntime) {
  const log = memoryLog();
  const changes: string[] = [];
  const helper = new StoreHelper({
    ...{ threads, workerUrl, file: fileOf(path), busyTimeoutMs: 10_000, log },
    monotonicMs: () => runtime.monotonicMs(),
    onGone: () => void changes.push('gone'),
    onBack: () => void changes.push('back'),
  });
  onTestFinished(() => helper.close());
  return { helper, log, changes };
}

/** A module for the thread, written for the test. */
function module(text: string): URL {
  const file = join(temporaryFolder(), 'worker.mjs');
  writeFileSync(file, text);
  return pathToFileURL(file);
}

describe.each([
  ['by the helper', WORKER_URL],
  ['inline, if the helper cannot start', NOWHERE],
])('%s', (_where, workerUrl) => {
  async function filled(): Promise<Store> {
    const store = await newStore({ path: newFile(), workerUrl });
    await joined(store);
    await history(store, 2_500);
    await store.submit([newStep({ type: 'rare' }), newStep({ delayMs: 60_000, priority: 3 })]);
    return store;
  }

  it('counts everything in the stats', async () => {
    const store = await filled();
    expect(await store.stats()).toMatchObject({
      byStatus: { pending: 2, claimed: 0, completed: 2_500, failed: 0, cancelled: 0 },
      byType: { work: { completed: 2_500, pending: 1 }, rare: { pending: 1 } },
      pendingByPriority: { 0: 1, 3: 1 },
      due: 1,
    });
  });

  it('lists the last step of a long history', async () => {
    const store = await filled();
    const { steps, next } = await store.list({ types: ['rare'], order: 'oldest', limit: 10 });
    expect(steps.map(({ type }) => type)).toEqual(['rare']);
    expect(next).toBeNull();
    const newest = await store.list({ statuses: ['completed'], order: 'newest', limit: 2_400 });
    expect(newest.steps).toHaveLength(2_400);
    const rest = await store.list({ statuses: ['completed'], order: 'newest', limit: 2_400, after: newest.next! });
    expect(rest.steps).toHaveLength(100);
    expect(rest.next).toBeNull();
  });

  it('deletes at most 500 rows a piece in retention', async () => {
    const store = await filled();
    await new Promise((resolve) => setTimeout(resolve, 2));
    let removed = 0;
    for (let more = true; more;) {
      const piece = await store.prune({ keepMs: 0 });
      expect(piece.removed).toBeLessThanOrEqual(500);
      removed += piece.removed;
      ({ more } = piece);
    }
    expect(removed).toBe(2_500);
    expect((await store.stats()).byStatus).toMatchObject({ pending: 2, completed: 0 });
  });

  it('waits for a file that another connection has locked', async () => {
    const path = newFile();
    const store = await newStore({ path, workerUrl });
    await store.stats();
    const other = rawConnection(path);
    other.exec('BEGIN IMMEDIATE');
    const pruned = store.prune({ keepMs: 0 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    other.exec('COMMIT');
    expect(await pruned).toEqual({ removed: 0, more: false });
  });
});

describe('the helper', () => {
  it('starts when it is first needed', async () => {
    const { helper } = newHelper(newFile(), NOWHERE);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(helper.usable).toBe(true); // the exit has not been noticed
    helper.wrote(999);
    expect(helper.usable).toBe(true);
    helper.wrote(1);
    await eventually(() => !helper.usable);
  });

  it('checkpoints after about a thousand written rows, one at a time', async () => {
    const path = newFile();
    const { connection } = newCore(path);
    const { helper } = newHelper(path, WORKER_URL);
    connection.exec(`INSERT INTO STEP_TRACKER (step_id) VALUES ('a')`);
    const size = statSync(path).size;
    helper.wrote(5_000);
    helper.wrote(5_000); // that checkpoint is running
    await eventually(() => statSync(path).size > size);
    expect(helper.usable).toBe(true);
  });

  it('logs once that it cannot start, rejects the waiting calls, and is not started again', async () => {
    const runtime = new VirtualRuntime();
    const { helper, log, changes } = newHelper(newFile(), NOWHERE, new ThreadsOfProcess(), runtime);
    await expect(helper.stats(1)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(helper.usable).toBe(false);
    expect(changes).toEqual(['gone']);
    expect(log.lines).toEqual(['no helper thread: checkpoints, stats and long lists run inline']);
    await runtime.advance(24 * 3_600_000);
    expect(helper.usable).toBe(false);
    helper.wrote(5_000);
    await helper.close();
  });

  it.each([
    ['ends', 'import { parentPort } from "node:worker_threads"; parentPort.once("message", () => process.exit(0));'],
    [
      'throws',
      'import { parentPort } from "node:worker_threads"; parentPort.once("message", () => { throw new Error("no"); });',
    ],
    ['is another module', 'process.exitCode = 0;'],
  ])('runs the work inline if the thread %s', async (_what, text) => {
    const path = newFile();
    const store = await newStore({ path, workerUrl: module(text) });
    await store.submit(newSteps(3));
    expect((await store.stats()).byStatus.pending).toBe(3);
    expect((await store.stats()).byStatus.pending).toBe(3);
  });

  it('keeps the process alive while a call waits for its answer', async () => {
    const held = new Map<Worker, boolean>();
    vi.spyOn(Worker.prototype, 'ref').mockImplementation(function (this: Worker) {
      held.set(this, true);
    });
    vi.spyOn(Worker.prototype, 'unref').mockImplementation(function (this: Worker) {
      held.set(this, false);
    });
    const { helper } = newHelper(migrated(), WORKER_URL);
    const [first, second] = [helper.stats(1), helper.stats(1)];
    expect([...held.values()]).toEqual([true]);
    await Promise.all([first, second]);
    expect([...held.values()]).toEqual([false]);
  });

  it('closes in order, even while it works, and then exits', async () => {
    const { helper } = newHelper(migrated(), WORKER_URL);
    const stats = helper.stats(1).catch((error: unknown) => error);
    await helper.close();
    expect(await stats).toBeDefined();
    await expect(helper.stats(1)).rejects.toThrow();
  });

  it('keeps the process alive only while a call waits', () => {
    const dist = new URL('../../../../dist/', import.meta.url);
    const program = `
      import { sqlite } from '${new URL('sqlite.js', dist).href}';
      import { systemRuntime as runtime } from '${new URL('runtime/runtime.js', dist).href}';
      import { createLog } from '${new URL('log.js', dist).href}';
      const store = sqlite({ path: ${JSON.stringify(newFile())} }).create({ runtime, log: createLog('test') });
      const { byStatus } = await store.stats();
      console.log(byStatus.pending);
    `;
    const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
      timeout: 10_000,
    });
    expect(stdout.trim()).toBe('0');
    expect(status).toBe(0);
  });
});

describe('a thread that has exited', () => {
  const GONE = 'no helper thread: checkpoints, stats and long lists run inline';
  const BACK = 'joined a new helper thread; checkpoints, stats and long lists run there';
  /** Loads, and ends at its first task. */
  const MORTAL = `import { parentPort } from 'node:worker_threads';
    parentPort.postMessage({ kind: 'pong' });
    parentPort.on('message', () => process.exit(1));`;
  const DEAF = `import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => { for (;;); });`;

  /** A helper in virtual time, whose threads run these modules, one after the other. */
  function onThreads(...modules: URL[]) {
    const runtime = new VirtualRuntime();
    const started: HelperThread[] = [];
    const threads = new ThreadsOfProcess(() => {
      const thread = new HelperThread(modules.shift() ?? WORKER_URL, runtime);
      started.push(thread);
      return thread;
    });
    return { runtime, started, ...newHelper(migrated(), WORKER_URL, threads, runtime) };
  }

  it('rejects every call that still waits for it', async () => {
    const thread = new HelperThread(module(MORTAL));
    const task = {
      kind: 'task',
      file: fileOf(newFile()),
      busyTimeoutMs: 1,
      name: 'stats',
      input: { now: 1 },
    } as const;
    const asked = [thread.run(task, true), thread.run(task, false)];
    for (const answer of asked) await expect(answer).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await thread.end();
  });

  it('is replaced when needed after one minute, the next one after two, and each exit is logged once', async () => {
    const mortal = module(MORTAL);
    const { runtime, helper, log, changes, started } = onThreads(mortal, mortal);
    for (const [round, pauseMs] of [60_000, 120_000].entries()) {
      await expect(helper.stats(1)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      expect(helper.usable).toBe(false);
      await runtime.advance(pauseMs - 1);
      expect(helper.usable).toBe(false);
      await expect(helper.stats(1)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      expect(started).toHaveLength(round + 1);
      await runtime.advance(1);
      expect(helper.usable).toBe(true);
    }
    expect((await helper.stats(1)).counts).toHaveLength(0);
    expect(log.lines).toEqual([GONE, BACK, GONE, BACK]);
    expect(changes).toEqual(['gone', 'back', 'gone', 'back']);
  });

  it('is replaced after an hour at most, and after a minute again if one ran for longer', async () => {
    const mortal = module(MORTAL);
    const { runtime, helper, started } = onThreads(...Array.from({ length: 8 }, () => mortal));
    const unavailable = { code: 'STORE_UNAVAILABLE' };
    for (let i = 0; i < 8; i++) {
      await expect(helper.stats(1)).rejects.toMatchObject(unavailable);
      await runtime.advance(i < 7 ? 3_600_000 : 3_599_999);
    }
    expect(helper.usable).toBe(false);
    await runtime.advance(1);
    await helper.stats(1);
    expect(started).toHaveLength(9);
    await runtime.advance(3_600_001);
    await started[8]!.end();
    expect(helper.usable).toBe(false);
    await runtime.advance(60_000);
    await helper.stats(1);
    expect(started).toHaveLength(10);
  });

  it('is replaced too if it was given up for its silence', async () => {
    const { runtime, helper, log } = onThreads(module(DEAF));
    const asked = helper.stats(1).catch((error: unknown) => error);
    await turn();
    await runtime.advance(13_000);
    expect(await asked).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(log.lines).toEqual([GONE]);
    await runtime.advance(60_000);
    expect((await helper.stats(1)).counts).toHaveLength(0);
    expect(log.lines).toEqual([GONE, BACK]);
  });
});

describe('stores of one process', () => {
  /** Counts the threads that are started. */
  function counted(): { threads: ThreadsOfProcess; started: HelperThread[] } {
    const started: HelperThread[] = [];
    const start = (workerUrl: URL): HelperThread => {
      const thread = new HelperThread(workerUrl);
      started.push(thread);
      return thread;
    };
    return { threads: new ThreadsOfProcess(start), started };
  }

  it('share one thread, which ends with the last of them; a later store starts a new one', async () => {
    const { threads, started } = counted();
    const helpers = Array.from({ length: 5 }, () => newHelper(migrated(), WORKER_URL, threads).helper);
    for (const { byStatus } of await Promise.all(helpers.map((helper) => helper.stats(1)))) {
      expect(byStatus.pending).toBe(0);
    }
    expect(started).toHaveLength(1);
    for (const helper of helpers) {
      expect(started[0]!.gone).toBeUndefined();
      await helper.close();
    }
    expect(started[0]!.gone).toBeDefined();
    const { helper } = newHelper(migrated(), WORKER_URL, threads);
    await helper.stats(1);
    expect(started).toHaveLength(2);
  });

  it('start it for a checkpoint once they have settled and claimed a thousand steps', async () => {
    const { threads, started } = counted();
    const path = newFile();
    const store = new SqliteStore(
      resolveOptions({ path, workerUrl: WORKER_URL }),
      { runtime: systemRuntime, log: memoryLog() },
      { threads },
    );
    onTestFinished(() => store.close());
    await joined(store);
    await store.submit(newSteps(500));
    const claims = await claimed(store, { free: 250, types: { work: 250 } });
    expect(claims).toHaveLength(250);
    expect(started).toHaveLength(0);
    const settlements = claims.map((claim) => settlement(claim));
    await store.exchange({ pod: POD, settlements });
    expect(started).toHaveLength(1);
  });

  it('leave no listener behind in the thread', async () => {
    const listeners = new Set<(error: Error) => void>();
    const threads = new ThreadsOfProcess((workerUrl) => {
      const thread = new HelperThread(workerUrl);
      thread.onGone = (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      };
      return thread;
    });
    const path = migrated();
    await newHelper(path, WORKER_URL, threads).helper.stats(1);
    const before = listeners.size;
    for (let i = 0; i < 5; i++) {
      const { helper } = newHelper(path, WORKER_URL, threads);
      await helper.stats(1);
      await helper.close();
    }
    expect(listeners.size).toBe(before);
  });

  it.runIf(existsSync('/proc/self/fd'))(
    'share one connection to a file, which closes with the last of them',
    async () => {
      const { threads } = counted();
      const path = migrated();
      // Of the database itself SQLite keeps descriptors as long as the process has locks on it.
      const open = (): number => openFiles().filter((file) => file === `${path}-wal`).length;
      const before = open();
      const [other, ...helpers] = [newFile(), path, path].map((file) => newHelper(file, WORKER_URL, threads).helper);
      await other!.stats(1).catch(() => undefined); // keeps the thread
      for (const helper of helpers) await helper.stats(1);
      expect(open()).toBe(before + 1);
      await helpers[0]!.close();
      expect(open()).toBe(before + 1);
      await helpers[1]!.close();
      expect(open()).toBe(before);
      expect(readdirSync(dirname(path)).sort()).toEqual(['steps.db', 'steps.db-shm', 'steps.db-wal']);
    },
  );

  it('log once each that the thread has exited, and complete every call', async () => {
    const threads = new ThreadsOfProcess();
    const dies = module(
      'import { parentPort } from "node:worker_threads"; parentPort.once("message", () => process.exit(0));',
    );
    const helpers = Array.from({ length: 3 }, () => newHelper(newFile(), dies, threads));
    const asked = helpers.map(({ helper }) => helper.stats(1));
    for (const stats of asked) await expect(stats).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    for (const { helper, log, changes } of helpers) {
      await expect(helper.stats(1)).rejects.toThrow();
      expect(log.lines).toHaveLength(1);
      expect(changes).toEqual(['gone']);
    }
  });
});

describe('a file that has replaced the store’s', () => {
  it('is neither read nor created by the helper; the work runs inline', async () => {
    const path = newFile();
    const store = await newStore({ path, workerUrl: WORKER_URL }, new VirtualRuntime());
    await store.submit(newSteps(3));
    for (const suffix of ['', '-wal', '-shm']) renameSync(`${path}${suffix}`, `${path}.old${suffix}`);
    expect((await store.stats()).byStatus.pending).toBe(3); // the replacement has not been noticed yet
    expect(existsSync(path)).toBe(false);
    const neighbour = rawConnection(path);
    neighbour.exec('CREATE TABLE theirs (a)');
    expect(await store.prune({ keepMs: 0 })).toEqual({ removed: 0, more: false });
    expect(neighbour.pragma('journal_mode', { simple: true })).toBe('delete');
  });

  it('is logged once, with what was found', async () => {
    const path = migrated();
    const { helper, log, changes } = newHelper(path, WORKER_URL);
    renameSync(path, `${path}.old`);
    await expect(helper.stats(1)).rejects.toMatchObject({ code: 'STORE_FILE_REPLACED', transient: false });
    expect(helper.usable).toBe(false);
    expect(log.lines).toHaveLength(1);
    expect(changes).toEqual(['gone']);
  });
});

describe('a thread that hangs', () => {
  const DEAF = `
    import { parentPort } from 'node:worker_threads';
    parentPort.on('message', () => { for (;;); });
  `;

  /** A store whose helper thread hangs, with the clock that measures the thread's silence. */
  async function stuck(text = DEAF) {
    const runtime = new VirtualRuntime();
    const started: HelperThread[] = [];
    const threads = new ThreadsOfProcess((url) => {
      const thread = new HelperThread(url, runtime);
      started.push(thread);
      return thread;
    });
    const options = resolveOptions({ path: newFile(), workerUrl: module(text) });
    const log = memoryLog();
    const store = new SqliteStore(options, { runtime: systemRuntime, log }, { threads });
    onTestFinished(async () => {
      await runtime.until(store.close());
    });
    await store.submit(newSteps(3));
    return { store, runtime, log, started };
  }

  it('is given up after ten seconds without a sign of life, and its work runs inline', async () => {
    const { store, runtime, log } = await stuck();
    const asked = [store.stats(), store.stats()];
    await turn();
    await runtime.advance(9_000);
    expect(log.lines).toEqual([]);
    await runtime.advance(4_000);
    for (const stats of asked) expect((await stats).byStatus.pending).toBe(3);
    expect(log.lines).toEqual(['no helper thread: checkpoints, stats and long lists run inline']);
    expect((await store.stats()).byStatus.pending).toBe(3);
  });

  it('delays the closing of a store by a few seconds at most while a call waits', async () => {
    const { store, runtime } = await stuck();
    const asked = store.stats();
    await turn();
    const closed = store.close();
    await runtime.advance(3_000);
    expect((await asked).byStatus.pending).toBe(3);
    await runtime.advance(7_000);
    await closed;
  });

  it('does not delay the closing of a store if no call waits', async () => {
    const { store, runtime } = await stuck(
      `import { parentPort } from 'node:worker_threads';
       parentPort.on('message', ({ kind, id }) => {
         if (kind === 'task') parentPort.postMessage({ kind: 'value', id, value: { types: '["counted"]', counts: [], pendingByPriority: [] } });
         else for (;;);
       });`,
    );
    expect(Object.keys((await store.stats()).byType)).toEqual(['counted']);
    const closed = store.close();
    await turn();
    await runtime.advance(7_000);
    await closed;
  });

  it('is kept while it sends signs of life, however long the work takes', async () => {
    const { store, runtime, log, started } = await stuck(
      `import { parentPort } from 'node:worker_threads';
       let pings = 0;
       let task;
       parentPort.on('message', ({ kind, id }) => {
         if (kind === 'task') task = id;
         else if (kind === 'end') parentPort.close();
         else if (kind !== 'ping') parentPort.postMessage({ kind: 'value', id, value: null });
         else if (++pings < 20) parentPort.postMessage({ kind: 'pong' });
         else parentPort.postMessage({ kind: 'value', id: task, value: { types: '["counted"]', counts: [], pendingByPriority: [] } });
       });`,
    );
    let counted: string[] | undefined;
    void store.stats().then(({ byType }) => (counted = Object.keys(byType)));
    await turn();
    while (counted === undefined) {
      await started[0]!.answers(60_000);
      await runtime.advance(2_500);
    }
    expect(counted).toEqual(['counted']);
    expect(log.lines).toEqual([]);
    await store.close();
  });
});

describe('without a helper', () => {
  it('each commit checkpoints a little by itself', async () => {
    const path = newFile();
    const store = await newStore({ path, workerUrl: NOWHERE });
    await store.stats(); // notices the exit
    for (let i = 0; i < 20; i++) await store.submit(newSteps(500));
    expect(statSync(path).size).toBeGreaterThan(500_000); // the commits have been copied into the database
    expect(statSync(`${path}-wal`).size).toBeLessThan(1_500_000);
  });

  it('long scans yield between their pieces', async () => {
    let yields = 0;
    const runtime = { ...systemRuntime, yield: () => (yields++, systemRuntime.yield()) };
    const path = newFile();
    const { core } = newCore(path);
    for (let i = 0; i < 24; i++) core.submit(1, newSteps(500));
    const store = await newStore({ path, workerUrl: NOWHERE }, runtime);
    expect((await store.stats()).byStatus.pending).toBe(12_000);
    expect(yields).toBe(2);
    yields = 0;
    expect((await store.list({ types: ['none'], order: 'newest', limit: 10 })).steps).toEqual([]);
    expect(yields).toBe(11);
  });
});

/** Where Linux shows what a process has open. */
function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((descriptor) => {
    try {
      return [readlinkSync(`/proc/self/fd/${descriptor}`)];
    } catch {
      return []; // the descriptor of this listing
    }
  });
}

describe('checkpoints', () => {
  const LARGE = 16 * 1024 * 1024;
  const grow = (connection: Database.Database, bytes: number): void =>
    void connection
      .prepare('INSERT INTO STEP_TRACKER (step_id, payload) VALUES (hex(randomblob(16)), ?)')
      .run('x'.repeat(bytes));

  it('are PASSIVE while the -wal is small', () => {
    const path = newFile();
    const { connection } = newCore(path);
    grow(connection, 1_000_000);
    expect(new Checkpoints(connection).run()).toBe('passive');
    expect(statSync(path).size).toBeGreaterThan(1_000_000);
  });

  it('RESTART a large -wal once all of it has been copied, so that it starts again', () => {
    const path = newFile();
    const { connection } = newCore(path);
    grow(connection, LARGE + 1_000_000);
    const size = statSync(`${path}-wal`).size;
    expect(new Checkpoints(rawConnection(path)).run()).toBe('restart');
    grow(connection, 1_000_000);
    expect(statSync(`${path}-wal`).size).toBe(size);
  });

  it('do not RESTART while a reader prevents the copy, and do not wait for that reader', () => {
    const path = newFile();
    const { connection } = newCore(path);
    const reader = rawConnection(path);
    reader.exec('BEGIN; SELECT count(*) FROM STEP_TRACKER');
    reader.prepare('SELECT count(*) FROM STEP_TRACKER').get();
    grow(connection, LARGE + 1_000_000);
    expect(new Checkpoints(rawConnection(path)).run()).toBe('passive');
    reader.exec('COMMIT');
    expect(new Checkpoints(rawConnection(path)).run()).toBe('restart');
  });
});

function migrated(): string {
  const path = newFile();
  newCore(path);
  return path;
}

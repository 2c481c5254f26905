/**
 * The helper thread's connection to one file.
 *
 * Invariants:
 * - It opens the file that the store has open, by device and inode, and never creates one.
 * - Its cache is small, because scans read each page once.
 * - It does not flush each commit, even if the store does. Only retention commits here, and after a power loss the steps
 *   that it deleted may be back.
 */
import type { Database } from 'better-sqlite3';
import { loadSqlite } from '../../../driver/better-sqlite3.js';
import { StoreError } from '../../../errors.js';
import { identify, isSameFile } from '../../../files/file-identity.js';
import { systemRuntime } from '../../../runtime/runtime.js';
import { retryWhileBusy } from '../../busy-retry.js';
import { Checkpoints } from './checkpoints.js';
import { SynchronousCore } from '../synchronous-core.js';
import { openConnection } from '../file/open-connection.js';
import { isBusy, storeError } from '../sqlite-errors.js';
import type { HelperTask, HelperFile, Value } from './messages.js';
import { packedStats } from './stats-encoding.js';
import { SlicedOperations, type Attempt } from '../sliced-operations.js';

export class HelperConnection {
  readonly #path: string;
  readonly #running = new Set<Promise<unknown>>();
  readonly #giveUp = new AbortController();
  #opened: Promise<Opened> | undefined;

  constructor({ path }: HelperFile) {
    this.#path = path;
  }

  /** Runs a task in pieces, so that tasks take turns. @throws StoreError */
  async run(task: HelperTask): Promise<Value> {
    const work = this.#run(task);
    this.#running.add(work);
    try {
      return await work;
    } catch (error) {
      throw storeError(error, this.#path);
    } finally {
      this.#running.delete(work);
    }
  }

  /** Waits for the tasks in progress. Call {@link run} no more. */
  async close(): Promise<void> {
    this.#giveUp.abort();
    await Promise.allSettled(this.#running);
    const opened = await this.#opened?.catch(() => undefined);
    opened?.connection.close();
  }

  async #run(task: HelperTask): Promise<Value> {
    const attempt = this.#attemptFor(task.busyTimeoutMs);
    const { core, checkpoints } = await this.#open(task.file, attempt);
    const pause = (): Promise<void> => systemRuntime.yield();
    const operations = new SlicedOperations({ core, attempt, pause, monotonicMs: () => systemRuntime.monotonicMs() });
    switch (task.name) {
      case 'stats':
        return packedStats(await operations.count(task.input.now));
      case 'list':
        return operations.list(task.input.filter, task.input.after);
      case 'prune':
        return operations.prune(task.input.now, task.input.keepMs);
      case 'checkpoint':
        await attempt(() => checkpoints.run());
        return null;
    }
  }

  /** Opens the file once. After a failure the next task tries again. */
  #open(file: HelperFile, attempt: Attempt): Promise<Opened> {
    const opening = (this.#opened ??= openFile(file, attempt));
    opening.catch(() => {
      if (this.#opened === opening) this.#opened = undefined;
    });
    return opening;
  }

  #attemptFor(busyTimeoutMs: number): Attempt {
    const giveUp = (error: unknown): Error => storeError(error, this.#path);
    const options = { isBusy, waitLimitMs: busyTimeoutMs, giveUp, signal: this.#giveUp.signal };
    return (operation) => retryWhileBusy(systemRuntime, operation, options);
  }
}

interface Opened {
  readonly connection: Database;
  readonly core: SynchronousCore;
  readonly checkpoints: Checkpoints;
}

async function openFile(file: HelperFile, attempt: Attempt): Promise<Opened> {
  const driver = await loadSqlite();
  await checkIdentity(file);
  const opened = await attempt(() => {
    const connection = openConnection(driver, {
      path: file.path,
      synchronous: 'normal',
      autocheckpoint: 10_000,
      cacheKiB: 2_000,
      mustExist: true,
    });
    try {
      return { connection, core: new SynchronousCore(connection), checkpoints: new Checkpoints(connection) };
    } catch (error) {
      connection.close();
      throw error;
    }
  });
  try {
    await checkIdentity(file);
  } catch (error) {
    opened.connection.close();
    throw error;
  }
  return opened;
}

/** @throws StoreError `STORE_FILE_REPLACED` */
async function checkIdentity({ path, identity }: HelperFile): Promise<void> {
  if (isSameFile(identity, await identify(path))) return;
  throw new StoreError(
    'STORE_FILE_REPLACED',
    `${path} is not the file that the store has open; it was replaced`,
    false,
  );
}

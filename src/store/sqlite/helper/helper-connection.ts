/**
 * A file as the helper thread has it open.
 *
 * Invariants: it is the file that the asking store has open, by device and inode, and is never created here. Its cache is
 * small: scans read each page once. Commits are not flushed one by one, whatever the store asks for: only retention
 * commits here, and what it removed may come back after a power loss.
 */
import type { Database } from 'better-sqlite3';
import { loadSqlite } from '../../../driver/better-sqlite3.js';
import { StoreError } from '../../../errors.js';
import { identify, isSameFile } from '../../../files/database-file.js';
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
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #impatience = new AbortController();
  #opened: Promise<Opened> | undefined;

  constructor({ path }: HelperFile) {
    this.#path = path;
  }

  /** Runs an errand in pieces, so that none waits for another. @throws StoreError */
  async perform(errand: HelperTask): Promise<Value> {
    const work = this.#perform(errand);
    this.#underWay.add(work);
    try {
      return await work;
    } catch (error) {
      throw storeError(error, this.#path);
    } finally {
      this.#underWay.delete(work);
    }
  }

  /** Waits for what is under way. Nothing may be asked any more. */
  async close(): Promise<void> {
    this.#impatience.abort();
    await Promise.allSettled(this.#underWay);
    const opened = await this.#opened?.catch(() => undefined);
    opened?.connection.close();
  }

  async #perform(errand: HelperTask): Promise<Value> {
    const attempt = this.#attemptFor(errand.busyTimeoutMs);
    const { core, checkpoints } = await this.#open(errand.file, attempt);
    const pause = (): Promise<void> => systemRuntime.yield();
    const scans = new SlicedOperations({ core, attempt, pause, monotonicMs: () => systemRuntime.monotonicMs() });
    switch (errand.name) {
      case 'stats':
        return packedStats(await scans.count(errand.ask.now));
      case 'list':
        return scans.list(errand.ask.filter, errand.ask.after);
      case 'prune':
        return scans.prune(errand.ask.now, errand.ask.keepMs);
      case 'checkpoint':
        await attempt(() => checkpoints.run());
        return null;
    }
  }

  /** Opened once; after a failure the next errand tries again. */
  #open(file: HelperFile, attempt: Attempt): Promise<Opened> {
    const opening = (this.#opened ??= openFile(file, attempt));
    opening.catch(() => {
      if (this.#opened === opening) this.#opened = undefined;
    });
    return opening;
  }

  #attemptFor(patienceMs: number): Attempt {
    const giveUp = (error: unknown): Error => storeError(error, this.#path);
    const options = { isBusy, waitLimitMs: patienceMs, giveUp, signal: this.#impatience.signal };
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
  await check(file);
  const opened = await attempt(() => {
    const connection = openConnection(driver, { ...CONNECTION, path: file.path });
    try {
      return { connection, core: new SynchronousCore(connection), checkpoints: new Checkpoints(connection) };
    } catch (error) {
      connection.close();
      throw error;
    }
  });
  try {
    await check(file);
  } catch (error) {
    opened.connection.close();
    throw error;
  }
  return opened;
}

const CONNECTION = { synchronous: 'normal', autocheckpoint: 10_000, cacheKiB: 2_000, mustExist: true } as const;

/** @throws StoreError `STORE_FILE_REPLACED` */
async function check({ path, identity }: HelperFile): Promise<void> {
  if (isSameFile(identity, await identify(path))) return;
  throw new StoreError('STORE_FILE_REPLACED', `${path} is not the file that the store has open`, false);
}

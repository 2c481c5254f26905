/** A session: an open connection with its core and its clock, its file, and the helper beside it. */
import type { Database } from 'better-sqlite3';
import { loadSqlite, type SqliteDriver } from '../../../driver/better-sqlite3.js';
import type { Log } from '../../../log.js';
import type { StoreEnvironment } from '../../contract.js';
import { locate, type Located } from '../../../files/database-file.js';
import { MEMORY } from '../../../files/file-path.js';
import type { Runtime } from '../../../runtime/runtime.js';
import { StoreClock, type Instant } from '../clock/store-clock.js';
import { SynchronousCore } from '../synchronous-core.js';
import { openConnection } from '../file/open-connection.js';
import { refuseNetwork } from '../file/network-file-system.js';
import { EndedSteps } from '../reading/ended-steps.js';
import { StoreHelper } from '../helper/store-helper.js';
import type { HelperFile } from '../helper/messages.js';
import type { SharedThreads } from '../helper/shared-threads.js';
import { monotonicOrigin } from '../clock/boot-id.js';
import { migrate } from '../schema/migration.js';
import type { ResolvedOptions } from '../options.js';
import { OpenFile } from '../file/open-file.js';
import { SlicedOperations, type Attempt } from '../sliced-operations.js';
import { autocheckpoint, FIRST_ROWS } from './statements.js';
import type { WatchedFile } from '../file/commit-watch.js';

/** How old what is known of the fleet's newest heartbeat may be. */
const LISTEN_EVERY_MS = 1_000;
/** A commit checkpoints by itself once so many pages are in the -wal: mostly the helper does so before. */
const PAGES = 10_000;
/** Without a helper each commit checkpoints a little. */
const PAGES_WITHOUT_HELPER = 200;

export interface SessionParts {
  readonly runtime: Runtime;
  readonly connection: Database;
  readonly core: SynchronousCore;
  readonly clock: StoreClock;
  readonly scans: SlicedOperations;
  readonly endings: EndedSteps;
  /** `undefined` in memory. */
  readonly file: OpenFile | undefined;
  /** `undefined` in memory: another connection would have a memory of its own. */
  readonly helper: StoreHelper | undefined;
}

export class Session {
  readonly core: SynchronousCore;
  readonly scans: SlicedOperations;
  readonly endings: EndedSteps;
  readonly #parts: SessionParts;
  #listenedAt: number;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.core = parts.core;
    this.scans = parts.scans;
    this.endings = parts.endings;
    this.#listenedAt = parts.runtime.monotonicMs();
  }

  /** This session, if it may be used. @throws StoreError `STORE_FILE_REPLACED` */
  ready(): this {
    this.#parts.file?.check();
    return this;
  }

  /** What the watch needs; `undefined` in memory. */
  get watched(): WatchedFile | undefined {
    const { core, file } = this.#parts;
    if (file === undefined) return undefined;
    return { path: file.path, dataVersion: () => core.dataVersion(), onMoved: () => void file.look() };
  }

  /** The store's clock, which is never below the newest heartbeat. */
  now(): number {
    const { runtime, clock, core } = this.#parts;
    if (runtime.monotonicMs() - this.#listenedAt > LISTEN_EVERY_MS) {
      clock.heard(core.newestHeartbeat());
      this.#listenedAt = runtime.monotonicMs();
    }
    return clock.now();
  }

  instant(): Instant {
    this.now();
    return this.#parts.clock.instant();
  }

  /** Counts rows that were written, for the checkpoints; passes on what came of it. */
  wrote<T>(rows: number, result: T): T {
    this.#parts.helper?.wrote(rows);
    return result;
  }

  /** Runs something long: by the helper, or in small pieces here, where there is none. */
  async long<T>(
    byHelper: (helper: StoreHelper) => Promise<T>,
    inline: (scans: SlicedOperations) => Promise<T>,
  ): Promise<T> {
    const { helper, scans } = this.#parts;
    if (helper?.usable !== true) return inline(scans);
    try {
      return await byHelper(helper);
    } catch (error) {
      if (helper.usable) throw error;
      return inline(scans);
    }
  }

  /** The store is to be closed: what is under way need not wait for a helper that hangs. */
  hurry(): void {
    void this.#parts.helper?.hurry();
  }

  /** The helper closes last: whoever does so checkpoints what is left, and that is better done off this thread. */
  async close(): Promise<void> {
    this.#parts.connection.close();
    await this.#parts.helper?.close();
  }
}

/** Opens the file and brings it up to date. */
export async function openSession(
  options: ResolvedOptions,
  { runtime, log }: StoreEnvironment,
  attempt: Attempt,
  threads: SharedThreads,
): Promise<Session> {
  const place = options.path === MEMORY ? undefined : await locate(options.path);
  const path = place?.path ?? MEMORY;
  if (place !== undefined && !options.allowNetworkFileSystem) await refuseNetwork(path);
  if (place !== undefined && place.names > 1) warnOfNames(log, place);
  const driver = await loadSqlite();
  const clock = new StoreClock(runtime, monotonicOrigin());
  const { connection, core } = await attempt(() => prepare(driver, { ...options, path }, clock));
  const file =
    place === undefined ? undefined : await OpenFile.of(runtime, path, place.identity).catch(closing(connection));
  const parts = { core, attempt, pause: () => runtime.yield(), monotonicMs: () => runtime.monotonicMs() };
  const scans = new SlicedOperations(parts);
  const endings = new EndedSteps(parts, scans);
  const { busyTimeoutMs, workerUrl } = options;
  const helper =
    file === undefined
      ? undefined
      : new StoreHelper({
          ...{ threads, workerUrl, file: forHelper(file), busyTimeoutMs, log },
          monotonicMs: () => runtime.monotonicMs(),
          onGone: () => checkpointEvery(connection, PAGES_WITHOUT_HELPER),
          onBack: () => checkpointEvery(connection, PAGES),
        });
  return new Session({ runtime, connection, core, clock, scans, endings, file, helper });
}

function forHelper({ path, identity }: OpenFile): HelperFile {
  return { key: `${identity.device}:${identity.inode}`, path, identity };
}

/** Each name gets a `-wal` of its own, so that two processes that use two names destroy the file. */
function warnOfNames(log: Log, { path, names }: Located): void {
  log.warn({ path, names }, 'the database file has several hard links: every process must open it by the same one');
}

function closing(connection: Database): (error: unknown) => never {
  return (error) => {
    connection.close();
    throw error;
  };
}

/** Everything of an opening that may be told BUSY; then nothing stays open. */
function prepare(
  driver: SqliteDriver,
  { path, synchronous }: ResolvedOptions,
  clock: StoreClock,
): { readonly connection: Database; readonly core: SynchronousCore } {
  const connection = openConnection(driver, { path, synchronous, autocheckpoint: PAGES });
  try {
    migrate(connection, path);
    for (const statement of FIRST_ROWS) connection.prepare(statement).get();
    const core = new SynchronousCore(connection);
    core.setClock(clock);
    return { connection, core };
  } catch (error) {
    connection.close();
    throw error;
  }
}

function checkpointEvery(connection: Database, pages: typeof PAGES | typeof PAGES_WITHOUT_HELPER): void {
  if (connection.open) connection.exec(autocheckpoint(pages));
}

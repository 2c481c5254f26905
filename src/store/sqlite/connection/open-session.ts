/**
 * Opens a store's file: checks where it is, connects, migrates, and sets the clock.
 *
 * Invariants:
 * - Before the driver is loaded, the path is resolved, and a network file system is refused.
 * - If opening fails, or the file is BUSY, no connection stays open.
 */
import type { Database } from 'better-sqlite3';
import { loadSqlite, type SqliteDriver } from '../../../driver/better-sqlite3.js';
import { locate, type Located } from '../../../files/file-identity.js';
import { MEMORY } from '../../../files/file-path.js';
import { StoreError } from '../../../errors.js';
import type { Log } from '../../../log.js';
import type { StoreEnvironment } from '../../contract.js';
import { monotonicOrigin } from '../clock/monotonic-clock-id.js';
import { StoreClock } from '../clock/store-clock.js';
import { refuseNetwork } from '../file/network-file-system.js';
import { ReplacedFile } from '../file/replaced-file.js';
import type { HelperFile } from '../helper/messages.js';
import type { ThreadsOfProcess } from '../helper/threads-of-process.js';
import { StoreHelper } from '../helper/store-helper.js';
import type { ResolvedOptions } from '../options.js';
import { EndedSteps } from '../reading/ended-steps.js';
import { migrate, refusePending } from '../schema/migration.js';
import { SlicedOperations, type Attempt } from '../sliced-operations.js';
import { SynchronousCore } from '../synchronous-core.js';
import { openConnection } from '../file/open-connection.js';
import { Session } from './session.js';
import { autocheckpoint, FIRST_ROWS } from '../file/statements.js';

/** Pages in the -wal after which a commit checkpoints. Usually the helper checkpoints before that. */
const PAGES = 10_000;
/** Without a helper, each commit checkpoints a little. */
const PAGES_WITHOUT_HELPER = 200;

/** Opens the file and brings its schema up to date. */
export async function openSession(
  options: ResolvedOptions,
  { runtime, log }: StoreEnvironment,
  attempt: Attempt,
  threads: ThreadsOfProcess,
): Promise<Session> {
  const place = options.path === MEMORY ? undefined : await locate(options.path);
  const path = place?.path ?? MEMORY;
  if (place !== undefined && !options.allowNetworkFileSystem) await refuseNetwork(path);
  if (place?.identity === undefined && !options.createTables) throw missing(path);
  if (place !== undefined && place.names > 1) warnOfHardLinks(log, place);
  const driver = await loadSqlite();
  const clock = new StoreClock(runtime, monotonicOrigin());
  const { connection, core } = await attempt(() => connect(driver, path, options, clock));
  const file =
    place === undefined ? undefined : await ReplacedFile.of(runtime, path, place.identity).catch(closing(connection));
  const pause = (): Promise<void> => runtime.yield();
  const monotonicMs = (): number => runtime.monotonicMs();
  const operations = new SlicedOperations({ core, attempt, pause, monotonicMs });
  const endedSteps = new EndedSteps({ core, attempt, pause }, operations);
  const helper =
    file === undefined
      ? undefined
      : new StoreHelper({
          threads,
          workerUrl: options.workerUrl,
          file: helperFile(file),
          busyTimeoutMs: options.busyTimeoutMs,
          log,
          monotonicMs,
          onGone: () => checkpointEvery(connection, PAGES_WITHOUT_HELPER),
          onBack: () => checkpointEvery(connection, PAGES),
        });
  return new Session({ runtime, connection, core, clock, operations, endedSteps, file, helper });
}

/** The part of opening that may be BUSY, and is then tried again. */
function connect(
  driver: SqliteDriver,
  path: string,
  { synchronous, createTables }: ResolvedOptions,
  clock: StoreClock,
): { readonly connection: Database; readonly core: SynchronousCore } {
  const existing = { mustExist: true, check: (opened: Database) => refusePending(opened, path) };
  const connection = openConnection(driver, {
    ...{ path, synchronous, autocheckpoint: PAGES },
    ...(createTables ? {} : existing),
  });
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

function helperFile({ path, identity }: ReplacedFile): HelperFile {
  return { key: `${identity.device}:${identity.inode}`, path, identity };
}

function missing(path: string): StoreError {
  return new StoreError('STORE_ACCESS_DENIED', `${path}: there is no such file; createTables is false`, false);
}

/** Each name of a file gets its own `-wal`. Two processes that use two names destroy the file. */
function warnOfHardLinks(log: Log, { path, names }: Located): void {
  log.warn(
    { path, hardLinks: names },
    'database file has several hard links; open it by the same one in every process',
  );
}

function closing(connection: Database): (error: unknown) => never {
  return (error) => {
    connection.close();
    throw error;
  };
}

function checkpointEvery(connection: Database, pages: typeof PAGES | typeof PAGES_WITHOUT_HELPER): void {
  if (connection.open) connection.exec(autocheckpoint(pages));
}

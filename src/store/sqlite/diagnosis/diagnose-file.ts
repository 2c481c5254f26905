/**
 * Diagnoses a database file, whether or not the store has it open.
 *
 * Invariants:
 * - Nothing is created or migrated: a missing file stays missing, and an old one stays old.
 * - Where an earlier part fails (the place, the driver, the opening), the later ones are left out.
 * - The connection of the diagnosis is its own, and is closed at the end.
 */
import type { Database } from 'better-sqlite3';
import { loadSqlite, type SqliteDriver } from '../../../driver/better-sqlite3.js';
import { locate } from '../../../files/file-identity.js';
import { MEMORY } from '../../../files/file-path.js';
import type { Runtime } from '../../../runtime/runtime.js';
import { retryWhileBusy } from '../../busy-retry.js';
import type { Finding, PodView, StoreDiagnosis, StoreStats } from '../../contract.js';
import { checks, failure, ok, warning, type Observation } from '../../diagnosis/check.js';
import { failureOf, runChecks } from '../../diagnosis/run-checks.js';
import { FIRST_ROWS } from '../file/statements.js';
import type { ResolvedOptions } from '../options.js';
import { SCHEMA_VERSION } from '../schema/schema.js';
import { isBusy, storeError } from '../sqlite-errors.js';
import { DATABASE_CHECKS, schemaOf } from './database-checks.js';
import { openToExamine } from './examined-file.js';
import { PLACE_CHECKS, type FilePlace } from './place-checks.js';
import { readFleet } from './read-fleet.js';

const LIMITS = { timeoutMs: 10_000, totalMs: 60_000 };
/** How long a lock may keep the diagnosis from opening the file. */
const OPEN_MS = 2_000;

const LOADED = ok('better-sqlite3 loads.');
const UNREAD = { counts: undefined, pods: undefined };

export interface FileDiagnosisInputs {
  readonly runtime: Runtime;
  readonly options: ResolvedOptions;
  /** Fails if the open file was deleted or replaced; `undefined` if the store is not open. */
  readonly checkOpenFile: (() => void) | undefined;
  /** The counts and the fleet, read by the open store. */
  readonly read: () => Promise<{ readonly counts: StoreStats; readonly pods: readonly PodView[] }>;
  /** The fleet as its own file shows it: which pods have exited. */
  readonly views: Parameters<typeof readFleet>[0]['views'];
}

/** What the two checks of this module have seen. Their names are listed with the others. */
interface Opening {
  readonly file: Observation;
  readonly driver?: Observation;
}

export const OPENING_CHECKS = checks<Opening>([
  {
    check: 'file',
    why: 'All steps are in this file.',
    look: ({ file }) => file,
  },
  {
    check: 'driver',
    why: 'Without the driver, or with one that does not fit this Node.js, the file cannot be opened.',
    look: ({ driver }) => driver,
  },
]);

export async function diagnoseFile(inputs: FileDiagnosisInputs): Promise<StoreDiagnosis> {
  const { runtime, options, checkOpenFile } = inputs;
  if (options.path === MEMORY) return inMemory(inputs);
  let place: FilePlace;
  try {
    checkOpenFile?.();
    place = await placeOf(options);
  } catch (error) {
    return nothingMore(await opening(runtime, { file: failureOf(storeError(error, options.path)) }));
  }
  const file = place.exists ? ok(`The file is ${place.path}.`) : missing(place.path, options.createTables);
  const placed = await runChecks(PLACE_CHECKS, place, { runtime, ...LIMITS });
  const driver = await loadSqlite().catch(failureOf);
  const isRefused = placed.some(({ check, level }) => check === 'file-system' && level === 'failure');
  if ('level' in driver || !place.exists || isRefused) {
    const loaded = 'level' in driver ? driver : LOADED;
    return nothingMore([...(await opening(runtime, { file, driver: loaded })), ...placed]);
  }
  return inDatabase(inputs, driver, { file, path: place.path, placed });
}

async function inDatabase(
  inputs: FileDiagnosisInputs,
  driver: SqliteDriver,
  { file, path, placed }: { readonly file: Observation; readonly path: string; readonly placed: readonly Finding[] },
): Promise<StoreDiagnosis> {
  const { runtime, options } = inputs;
  let connection: Database | undefined;
  try {
    connection = await open(runtime, driver, path);
    const isOpen = inputs.checkOpenFile !== undefined;
    const { synchronous, createTables } = options;
    const database = { runtime, driver, path, connection, synchronous, createTables, isOpen };
    const examined = await runChecks(DATABASE_CHECKS, database, { runtime, ...LIMITS });
    const findings = [...(await opening(runtime, { file, driver: LOADED })), ...placed, ...examined];
    return { findings, ...(await fleetOf(inputs, connection)) };
  } catch (error) {
    const failed = failureOf(storeError(error, path));
    return nothingMore([...(await opening(runtime, { file: failed, driver: LOADED })), ...placed]);
  } finally {
    connection?.close();
  }
}

function missing(path: string, createTables: boolean): Observation {
  if (createTables)
    return warning(`There is no file ${path} yet.`, 'Nothing, if the path is right: the first pod creates it.');
  return failure(`There is no file ${path}.`, 'Check the path, or start a pod that creates it.');
}

async function inMemory({ runtime, checkOpenFile, read }: FileDiagnosisInputs): Promise<StoreDiagnosis> {
  const file = ok('The steps are in memory: they end with this process.');
  const driver = await loadSqlite().then(() => LOADED, failureOf);
  const findings = await opening(runtime, { file, driver });
  if (checkOpenFile === undefined) return nothingMore(findings);
  return { findings, ...(await read().catch(() => UNREAD)) };
}

function opening(runtime: Runtime, seen: Opening): Promise<Finding[]> {
  return runChecks(OPENING_CHECKS, seen, { runtime, ...LIMITS });
}

async function placeOf({ path, allowNetworkFileSystem }: ResolvedOptions): Promise<FilePlace> {
  const { path: resolved, identity, names } = await locate(path);
  return { path: resolved, exists: identity !== undefined, names, allowNetworkFileSystem };
}

/** Reads the first pages too, because SQLite opens anything. */
function open(runtime: Runtime, driver: SqliteDriver, path: string): Promise<Database> {
  const giveUp = (error: unknown): Error => storeError(error, path);
  const attempt = async (): Promise<Database> => {
    const connection = await openToExamine(driver, path);
    try {
      if (schemaOf(connection)?.version === SCHEMA_VERSION)
        for (const statement of FIRST_ROWS) connection.prepare(statement).get();
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  };
  return retryWhileBusy(runtime, attempt, { isBusy, waitLimitMs: OPEN_MS, giveUp });
}

async function fleetOf(
  { runtime, checkOpenFile, read, views }: FileDiagnosisInputs,
  connection: Database,
): Promise<Pick<StoreDiagnosis, 'counts' | 'pods'>> {
  try {
    if (checkOpenFile !== undefined) return await read();
    if (schemaOf(connection)?.version === SCHEMA_VERSION) return await readFleet({ runtime, connection, views });
  } catch {
    // The checks of the database say what is wrong with it.
  }
  return UNREAD;
}

function nothingMore(findings: readonly Finding[]): StoreDiagnosis {
  return { findings, ...UNREAD };
}

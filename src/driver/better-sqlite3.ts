/**
 * Loads better-sqlite3, for the SQLite store and for the journal.
 *
 * Invariants:
 * - better-sqlite3 is imported only here, and only when a file is opened.
 * - A driver that cannot work on this runtime is refused before its native code is loaded. That code would end the
 *   process, and no `catch` would help.
 * - When `loadSqlite` resolves, the native code works. A later error of a constructor concerns the file.
 */
import type BetterSqlite3 from 'better-sqlite3';
import { asError, type StoreError } from '../errors.js';
import { driverMissing, firstLine, notLoaded } from './driver-missing.js';

export type SqliteDriver = typeof BetterSqlite3;

/** better-sqlite3 13 and later use Node-API, version 10. Earlier versions use V8's own interface. */
const NODE_API = 10;

/** @throws StoreError `STORE_DRIVER_MISSING` */
export async function loadSqlite(): Promise<SqliteDriver> {
  const driver = await imported();
  refuseUnsuitable(driver, process.versions);
  probe(driver);
  return driver;
}

async function imported(): Promise<SqliteDriver> {
  try {
    return (await import('better-sqlite3')).default;
  } catch (error) {
    throw notLoaded('better-sqlite3', error, remedy(process.versions));
  }
}

/** The version of the package; `undefined` in a bundle, which has no package.json. */
export function sqliteDriverVersion(): string | undefined {
  try {
    const { createRequire } = process.getBuiltinModule('node:module'); // webpack warns about an import
    const own = createRequire(import.meta.url)('better-sqlite3/package.json') as { readonly version?: unknown };
    return typeof own.version === 'string' ? own.version : undefined;
  } catch {
    return undefined;
  }
}

type Versions = Readonly<Record<string, string | undefined>>;

/**
 * Refuses a driver that would end the process:
 *
 * - On a Node.js without Node-API 10, version 13 calls functions that do not exist, and the process gets SIGSEGV.
 * - On Node.js 24, version 12 aborts the process if it was compiled against the headers of 24.19 or later. A binary does
 *   not show its headers. Node.js 25 and later are refused too, because version 13 works on all of them.
 *
 * @throws StoreError `STORE_DRIVER_MISSING`
 */
export function refuseUnsuitable(driver: SqliteDriver, versions: Versions): void {
  if (isNodeApi(driver)) {
    if (hasNodeApi(versions)) return;
    throw driverMissing(
      `better-sqlite3 13 needs Node.js 22.14 or later, this is ${nameOf(versions)}`,
      remedy(versions),
    );
  }
  if (Number.parseInt(versions['node'] ?? '', 10) < 24) return;
  throw driverMissing(
    `better-sqlite3 12 can abort the process on Node.js 24 and later, this is ${nameOf(versions)}`,
    remedy(versions),
  );
}

/** Checks for a method that is new in version 13, because a bundle has no package.json with the version. */
function isNodeApi(driver: SqliteDriver): boolean {
  return 'explain' in (driver.prototype as object);
}

function hasNodeApi(versions: Versions): boolean {
  return Number(versions['napi'] ?? 0) >= NODE_API;
}

function nameOf(versions: Versions): string {
  for (const [runtime, name] of [
    ['electron', 'Electron'],
    ['bun', 'Bun'],
    ['deno', 'Deno'],
  ] as const) {
    if (versions[runtime] !== undefined) return `${name} ${versions[runtime]}`;
  }
  return `Node.js ${versions['node']}`;
}

function remedy(versions: Versions): string {
  return `Run: npm install better-sqlite3@${hasNodeApi(versions) ? 13 : 12}`;
}

/** Makes a connection, because the driver loads its native code with the first one. */
function probe(driver: SqliteDriver): void {
  try {
    new driver(':memory:').close();
  } catch (error) {
    if (sqliteCode(error) !== '') throw error;
    throw nativeCodeMissing(driver, error, process.versions);
  }
}

function nativeCodeMissing(driver: SqliteDriver, error: unknown, versions: Versions): StoreError {
  const where = `${nameOf(versions)} on ${process.platform}-${process.arch}`;
  const problem = `the native code of better-sqlite3 does not load in ${where} (${firstLine(asError(error).message)})`;
  if (isNodeApi(driver)) {
    const compile = 'npm explore better-sqlite3 -- npm run build-release';
    return driverMissing(problem, `Reinstall the package, or compile it: ${compile}`, error);
  }
  if (versions['electron'] !== undefined) {
    return driverMissing(problem, 'Rebuild it for Electron: npx electron-rebuild -f -w better-sqlite3', error);
  }
  const prebuilt = hasNodeApi(versions) ? '; better-sqlite3@13 needs no compiler' : '';
  return driverMissing(problem, `Run: npm rebuild better-sqlite3, with its install script allowed${prebuilt}`, error);
}

/**
 * The SQLite code of an error, such as `SQLITE_BUSY_SNAPSHOT`; empty if the error is not SQLite's.
 *
 * `instanceof` does not work: the native code keeps the error class of the first realm that loaded it, and a test runner
 * gives each test file its own realm.
 */
export function sqliteCode(error: unknown): string {
  const code: unknown = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && code.startsWith('SQLITE_') ? code : '';
}

/** Whether another connection holds a lock on the file. Any statement can fail with this, also reads and PRAGMAs. */
export function isBusy(error: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED)/.test(sqliteCode(error));
}

/**
 * Finds the real path of a database file, and detects whether another file has replaced it.
 *
 * Invariants:
 * - Nothing is opened or created here. `stat`, `lstat`, `access` and `realpath` open no descriptor: closing one would drop
 *   the locks that SQLite holds on the file.
 * - A file that cannot be a database is refused before it is opened: opening a FIFO would block the process.
 */
import { constants, type BigIntStats } from 'node:fs';
import { access, lstat, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { asError, StoreError } from '../errors.js';

/** Identifies a file, whatever its name is. */
export interface FileIdentity {
  readonly device: bigint;
  readonly inode: bigint;
}

/** A database file, which may not exist yet. */
export interface Located {
  /** The path with all links resolved. SQLite resolves them too, and puts the `-wal` beside this one. */
  readonly path: string;
  /** `undefined`: there is no file yet. */
  readonly identity: FileIdentity | undefined;
  /** The number of names (hard links) of the file. */
  readonly names: number;
}

/**
 * Resolves the links of an absolute path, and checks that a database can be opened there.
 *
 * @throws StoreError `STORE_UNWRITABLE`
 */
export async function locate(path: string): Promise<Located> {
  const stats = await statsOf(path);
  if (stats === undefined) return locateNew(path);
  if (!stats.isFile()) throw unwritable(path, `expected a file, found ${kindOf(stats)}`);
  await mayAccess(path, path, constants.R_OK | constants.W_OK, 'this process may not read and write the file');
  return { path: await realpath(path), identity: identityOf(stats), names: Number(stats.nlink) };
}

async function locateNew(path: string): Promise<Located> {
  const link = await lstat(path).catch(() => undefined);
  if (link?.isSymbolicLink() === true)
    throw unwritable(path, 'expected a file, found a link to a file that is missing');
  const folder = dirname(path);
  const stats = await statsOf(folder);
  if (stats === undefined) throw unwritable(path, `the folder ${folder} is missing`);
  if (!stats.isDirectory()) throw unwritable(path, `expected ${folder} to be a folder, found ${kindOf(stats)}`);
  await mayAccess(path, folder, constants.W_OK | constants.X_OK, `this process may not make files in ${folder}`);
  return { path: join(await realpath(folder), basename(path)), identity: undefined, names: 0 };
}

/**
 * The file that has this path now; `undefined` if there is none.
 *
 * @throws the error of the file system, if it gives no answer
 */
export async function identify(path: string): Promise<FileIdentity | undefined> {
  try {
    return identityOf(await stat(path, { bigint: true }));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

export function isSameFile(one: FileIdentity | undefined, other: FileIdentity | undefined): boolean {
  return one !== undefined && one.device === other?.device && one.inode === other.inode;
}

/** `undefined`: nothing has this name. */
async function statsOf(path: string): Promise<BigIntStats | undefined> {
  try {
    return await stat(path, { bigint: true });
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw unwritable(path, 'the path cannot be followed', error);
  }
}

function identityOf({ dev, ino }: BigIntStats): FileIdentity {
  return { device: dev, inode: ino };
}

async function mayAccess(path: string, what: string, mode: number, problem: string): Promise<void> {
  try {
    await access(what, mode);
  } catch (error) {
    throw unwritable(path, problem, error);
  }
}

function isMissing(error: unknown): boolean {
  const code: unknown = (error as { code?: unknown } | null)?.code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function kindOf(stats: BigIntStats): string {
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a FIFO';
  if (stats.isSocket()) return 'a socket';
  return stats.isFile() ? 'a file' : 'a device';
}

function unwritable(path: string, problem: string, cause?: unknown): StoreError {
  const reason = cause === undefined ? '' : ` (${asError(cause).message})`;
  return new StoreError('STORE_UNWRITABLE', `${path}: ${problem}${reason}`, false, { cause });
}

/** The checks of where a database file is: its disk, its permissions, and the files beside it. No check opens a file. */
import { constants } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ADVICE } from '../../diagnosis/advice.js';
import { checks, failure, ok, warning, type Observation } from '../../diagnosis/check.js';
import { networkFileSystem } from '../file/network-file-system.js';
import { attributes } from './examined-file.js';
import { shellWord } from './shell-word.js';
import { size } from './sizes.js';

/** A database file, or the place for one. */
export interface FilePlace {
  /** With all links resolved. */
  readonly path: string;
  readonly exists: boolean;
  /** How many names (hard links) the file has. */
  readonly names: number;
  readonly allowNetworkFileSystem: boolean;
}

/** SQLite needs room for the -wal (64 MB), and for the pages that a transaction changes. */
const TOO_LITTLE_SPACE = 100 * 1024 ** 2;
const LITTLE_SPACE = 1024 ** 3;
/** SQLite truncates the -wal to this size after a checkpoint; see `journal_size_limit`. */
const LARGE_WAL = 64 * 1024 ** 2;

export const PLACE_CHECKS = checks<FilePlace>([
  {
    check: 'file-system',
    why: "On a network file system SQLite's locks do not hold, and two hosts that write damage the file.",
    look: async ({ path, allowNetworkFileSystem }) => {
      if (process.platform !== 'linux') return ok(`Not known on ${process.platform}.`);
      const name = await networkFileSystem(path);
      if (name === undefined) return ok('The file is on a local file system.');
      const advice = ADVICE.STORE_NETWORK_FS;
      const message = `The file is on ${name}, a network file system.`;
      return allowNetworkFileSystem
        ? warning(`${message} allowNetworkFileSystem is set.`, advice)
        : failure(message, advice);
    },
  },
  {
    check: 'free-space',
    why: 'Without free space no step can be submitted, claimed or settled.',
    look: async ({ path }) => {
      const { bavail, bsize } = await statfs(dirname(path));
      const free = bavail * bsize;
      const message = `${size(free)} are free on the disk of the file.`;
      if (free < TOO_LITTLE_SPACE) return failure(message, 'Free space at once, or move the file to a larger disk.');
      return free < LITTLE_SPACE ? warning(message, 'Free space, or shorten retentionMs.') : ok(message);
    },
  },
  {
    check: 'file-permissions',
    why: 'The file holds the args and results of all steps. Every pod must be able to write it, and nobody else.',
    look: async ({ path, exists }) => (exists ? permissions(path) : undefined),
  },
  {
    check: 'hard-links',
    why: 'Each name of a file gets a -wal of its own, so processes that use two names damage the file.',
    look: ({ exists, names }) => {
      if (!exists) return undefined;
      if (names <= 1) return ok('The file has one name.');
      return warning(`The file has ${names} names.`, 'Use one name in every process, and remove the others.');
    },
  },
  {
    check: 'wal-size',
    why: 'The -wal grows while a transaction is open for long: reads become slower, and the disk fills.',
    look: async ({ path, exists }) => {
      if (!exists) return undefined;
      const wal = await attributes(`${path}-wal`);
      const message = `The -wal has a size of ${size(wal?.size ?? 0)}.`;
      if ((wal?.size ?? 0) <= LARGE_WAL) return ok(message);
      const advice = 'End the long transaction: a sqlite3 shell, a backup, or a program that reads the file.';
      return warning(message, advice);
    },
  },
]);

async function permissions(path: string): Promise<Observation> {
  if (process.platform === 'win32') return ok('Not checked on Windows.');
  const file = await attributes(path);
  const folder = await attributes(dirname(path));
  if (file === undefined)
    return warning('The permissions of the file cannot be read.', 'Run this as the user of the pods.');
  for (const name of [path, `${path}-wal`, `${path}-shm`]) {
    const one = await attributes(name);
    if (one === undefined) continue;
    if (await isUnwritable(name))
      return failure(`This process may not write ${name}.`, 'Run it as the user of the pods, or correct the owner.');
    if (one.uid !== file.uid)
      return warning(`${name} belongs to user ${one.uid}, and the file to ${file.uid}.`, 'Run all pods as one user.');
  }
  const others = file.mode & 0o007 & (((folder?.mode ?? 0) & 0o001) === 0 ? 0 : 0o006);
  const mode = (file.mode & 0o777).toString(8);
  if (others === 0) return ok(`The mode is ${mode}; other users have no access.`);
  const may = (others & 0o002) === 0 ? 'read' : 'write';
  return warning(
    `The mode is ${mode}; every user of this host may ${may} the file.`,
    `chmod o-rwx ${[path, `${path}-wal`, `${path}-shm`].map(shellWord).join(' ')}`,
  );
}

async function isUnwritable(name: string): Promise<boolean> {
  return access(name, constants.R_OK | constants.W_OK).then(
    () => false,
    () => true,
  );
}

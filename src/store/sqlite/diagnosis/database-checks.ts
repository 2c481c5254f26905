/** The checks of an existing database: its journal, its schema, its pages, and who holds its write lock. */
import type { Database } from 'better-sqlite3';
import { sqliteDriverVersion, type SqliteDriver } from '../../../driver/better-sqlite3.js';
import { asError } from '../../../errors.js';
import type { Runtime } from '../../../runtime/runtime.js';
import { retryWhileBusy } from '../../busy-retry.js';
import { ADVICE } from '../../diagnosis/advice.js';
import { checks, failure, ok, warning, type Observation } from '../../diagnosis/check.js';
import { SCHEMA_VERSION } from '../schema/schema.js';
import { HAS_SCHEMA_INFO, READ_SCHEMA_INFO } from '../schema/statements.js';
import type { SchemaInfo } from '../schema/migration.js';
import { isBusy } from '../sqlite-errors.js';
import { tryWriteLock } from './examined-file.js';
import { differences } from './schema-differences.js';
import { shellWord } from './shell-word.js';
import { size } from './sizes.js';
import { FREE_PAGES, JOURNAL_MODE, PAGE_COUNT, PAGE_SIZE, QUICK_CHECK, SQLITE_VERSION } from './statements.js';

export interface ExaminedDatabase {
  readonly runtime: Runtime;
  readonly driver: SqliteDriver;
  readonly path: string;
  readonly connection: Database;
  readonly synchronous: 'normal' | 'full';
  /** Whether a pod with these options creates missing tables. */
  readonly createTables: boolean;
  /** Whether the store has the file open. */
  readonly isOpen: boolean;
}

/** How long the write lock may be held by others. A commit takes a few ms. */
const LONG_LOCKED_MS = 2_000;
/**
 * `quick_check` reads the whole file, about 1.5 ms for each MiB, and nothing else runs in this process meanwhile. A process
 * that has the store open may be a pod.
 */
const LARGEST_CHECKED = 256 * 1024 ** 2;
const LARGEST_CHECKED_IF_OPEN = 4 * 1024 ** 2;
/** So many unused bytes are worth a VACUUM, if they are half of the file. */
const MUCH_UNUSED = 256 * 1024 ** 2;

export const DATABASE_CHECKS = checks<ExaminedDatabase>([
  {
    check: 'sqlite-version',
    why: 'The driver contains SQLite, so its version decides which faults of SQLite are corrected.',
    look: ({ connection }) =>
      ok(
        `SQLite ${text(connection, SQLITE_VERSION)}, better-sqlite3 ${sqliteDriverVersion() ?? 'of an unknown version'}.`,
      ),
  },
  {
    check: 'journal-mode',
    why: 'With a -wal, readers do not block writers, and all processes of the host may work on the file at once.',
    look: ({ connection }) => {
      const mode = text(connection, JOURNAL_MODE);
      if (mode === 'wal') return ok('The journal mode is wal.');
      return warning(
        `The journal mode is ${mode}.`,
        'Open the queue once: it sets wal. Another program has changed it.',
      );
    },
  },
  {
    check: 'synchronous',
    why: 'It decides whether a commit survives a power loss.',
    look: ({ synchronous }) =>
      synchronous === 'full'
        ? ok('full: commits survive a power loss.')
        : ok('normal: commits survive the death of any process; a power loss may undo the last ones.'),
  },
  {
    check: 'schema-version',
    why: 'A file that a newer fleet-q has migrated may be one that this version must not write.',
    look: ({ connection, createTables }) => {
      const info = schemaOf(connection);
      if (info === undefined) return noQueue(createTables);
      const { version, oldest_allowed: oldest } = info;
      if (oldest > SCHEMA_VERSION)
        return failure(`Version ${version}, which needs a newer fleet-q.`, ADVICE.STORE_SCHEMA_NEWER);
      if (version >= SCHEMA_VERSION) return ok(`Version ${version}; this fleet-q knows ${SCHEMA_VERSION}.`);
      const message = `Version ${version}; this fleet-q knows ${SCHEMA_VERSION}.`;
      return warning(message, 'The first pod of this version migrates the file. Pods of the older one go on.');
    },
  },
  {
    check: 'tables',
    why: 'A table without one of its columns or indexes makes calls fail, or makes each claim read the whole table.',
    look: ({ connection, driver }) => {
      if (schemaOf(connection)?.version !== SCHEMA_VERSION) return undefined;
      const { missing, added } = differences(driver, connection);
      if (missing.length > 0)
        return failure(`Altered: ${missing.join(', ')}.`, 'Restore a backup, or move the rows to a new file.');
      if (added.length === 0) return ok('All tables, columns and indexes are as fleet-q made them.');
      return warning(`Added by others: ${added.join(', ')}.`, 'Remove what you do not need: it runs in each commit.');
    },
  },
  {
    check: 'unused-pages',
    why: 'The file never shrinks by itself. Pages of deleted steps are used again.',
    look: ({ connection }) => {
      const page = number(connection, PAGE_SIZE);
      const all = number(connection, PAGE_COUNT) * page;
      const unused = number(connection, FREE_PAGES) * page;
      const message = `The file has ${size(all)}, of which ${size(unused)} are unused.`;
      if (unused < MUCH_UNUSED || unused < all / 2) return ok(message);
      return warning(message, 'Stop all pods, then run VACUUM in the sqlite3 shell, if the disk needs the space.');
    },
  },
  {
    check: 'integrity',
    why: 'A damaged page loses steps. Failing disks, and file copies made while a pod was writing, cause it.',
    look: ({ connection, path, isOpen }) => {
      const bytes = number(connection, PAGE_COUNT) * number(connection, PAGE_SIZE);
      if (bytes > (isOpen ? LARGEST_CHECKED_IF_OPEN : LARGEST_CHECKED))
        return ok(
          `Not checked: it would read all ${size(bytes)}. To check: sqlite3 ${shellWord(path)} 'PRAGMA quick_check'`,
        );
      const result = text(connection, QUICK_CHECK);
      if (result === 'ok') return ok('quick_check finds no damage.');
      return failure(`quick_check: ${result.slice(0, 200)}`, 'Stop all pods and restore a backup, or use .recover.');
    },
  },
  {
    check: 'write-lock',
    why: 'One connection writes at a time. A program that keeps the lock stops every pod.',
    look: async ({ runtime, driver, path }) => {
      const startedAt = runtime.monotonicMs();
      const attempt = (): void => tryWriteLock(driver, path);
      const limits = { isBusy, waitLimitMs: LONG_LOCKED_MS, giveUp: asError };
      try {
        await retryWhileBusy(runtime, attempt, limits);
        return ok(`Free after ${Math.round(runtime.monotonicMs() - startedAt)} ms.`);
      } catch (error) {
        if (!isBusy(error)) throw error;
        const message = `Another connection has held the write lock for ${LONG_LOCKED_MS / 1_000} s.`;
        return failure(message, 'End its transaction. lsof shows which processes have the file open.');
      }
    },
  },
]);

function noQueue(createTables: boolean): Observation {
  if (createTables)
    return warning('The file holds no queue yet.', 'Nothing, if that is right: the first pod creates the tables.');
  return failure('The file holds no queue.', 'Check the path, or start a pod that creates the tables.');
}

export function schemaOf(connection: Database): SchemaInfo | undefined {
  if (connection.prepare(HAS_SCHEMA_INFO).get() === undefined) return undefined;
  return connection.prepare<[], SchemaInfo>(READ_SCHEMA_INFO).get();
}

function text(connection: Database, statement: string): string {
  return String(connection.prepare(statement).pluck().get());
}

function number(connection: Database, statement: string): number {
  return Number(connection.prepare(statement).pluck().get());
}

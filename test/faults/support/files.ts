/** Damages database files from outside: this process never reads or writes a file that it has open. */
import { execFileSync } from 'node:child_process';
import Database from 'better-sqlite3';

const OVERWRITE = `
  const [path, size, ...pages] = process.argv.slice(1);
  const file = require('node:fs').openSync(path, 'r+');
  // The header of the first page stays, so that the file is still recognised as a database.
  for (const page of pages.map(Number)) {
    const from = page === 1 ? 100 : 0;
    require('node:fs').writeSync(file, Buffer.alloc(size - from, 0xa5), 0, size - from, (page - 1) * size + from);
  }
`;

/** Overwrites every page of these tables and indexes, as a failing disk does; processes that have the file open read them again. */
export function damage(path: string, ...names: readonly string[]): void {
  const raw = new Database(path);
  raw.pragma('wal_checkpoint(TRUNCATE)'); // otherwise the intact pages would be read from the -wal
  const size = raw.pragma('page_size', { simple: true }) as number;
  const pages = raw
    .prepare<[string], number>('SELECT pageno FROM dbstat WHERE name IN (SELECT value FROM json_each(?))')
    .pluck()
    .all(JSON.stringify(names));
  raw.close();
  if (pages.length < names.length) throw new Error(`there is nothing of ${names.join()}`);
  execFileSync(process.execPath, ['-e', OVERWRITE, path, String(size), ...pages.map(String)]);
  if (!names.includes('sqlite_schema')) change(path, 'PRAGMA user_version = 1'); // makes other connections drop their cached pages
}

/** A whole copy of the database, as a backup makes it. */
export function backup(path: string, copy: string): void {
  change(path, `VACUUM INTO '${copy}'`);
}

function change(path: string, statement: string): void {
  const raw = new Database(path);
  raw.exec(statement);
  raw.close();
}

/** Uses of the file system: only SQLite may open a database that is open. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const SOURCES = new URL('../../../../src/store/sqlite/', import.meta.url);
const PATHS = new URL('../../../../src/files/', import.meta.url);

const sourcesIn = (folder: URL): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));

/** What each file of a folder imports from `node:fs`. */
function usesOfFs(folder: URL): string[] {
  return sourcesIn(folder)
    .flatMap((name) => {
      const text = readFileSync(new URL(name, folder), 'utf8');
      return [...text.matchAll(/import (.*) from 'node:fs.*'/g)].map(([, names]) => `${name} ${names}`);
    })
    .sort();
}

it('opens no file and reads only what the host reports about itself', () => {
  expect(usesOfFs(SOURCES)).toEqual([
    'clock/monotonic-clock-id.ts { readFileSync, readlinkSync }', // /proc: the boot's id, and the time namespace
    'diagnosis/examined-file.ts type { Stats }',
    'diagnosis/examined-file.ts { stat }', // the attributes; opens nothing
    'diagnosis/place-checks.ts { access, statfs }', // opens nothing
    'diagnosis/place-checks.ts { constants }',
    'file/network-file-system.ts { statfs }', // asks the kernel about a folder; opens nothing
    'file/wal-watch.ts { watch, type FSWatcher }', // the -wal, which carries no locks
    'pods/process-table.ts { readFileSync, readlinkSync }', // /proc: the processes of this host
  ]);
  expect(usesOfFs(PATHS)).toEqual([
    'file-identity.ts { access, lstat, realpath, stat }', // none of them opens a descriptor
    'file-identity.ts { constants, type BigIntStats }',
  ]);
});

it('holds no cursor open across an await', () => {
  const asynchronous = sourcesIn(SOURCES).filter((name) => {
    const text = readFileSync(new URL(name, SOURCES), 'utf8');
    return text.includes('.iterate(') && /\bawait\b/.test(text);
  });
  expect(asynchronous).toEqual([]);
});

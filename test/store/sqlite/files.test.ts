/** What touches the file system: nothing but SQLite may open a database that is open. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const SOURCES = new URL('../../../src/store/sqlite/', import.meta.url);

it('no file is opened or read but the host’s boot id', () => {
  const uses = readdirSync(SOURCES).flatMap((name) => {
    const text = readFileSync(new URL(name, SOURCES), 'utf8');
    return [...text.matchAll(/import (.*) from 'node:fs.*'/g)].map(([, names]) => `${name} ${names}`);
  });
  expect(uses.sort()).toEqual([
    'file-system.ts { statfs }', // asks the kernel about a folder; opens nothing
    'host.ts { readFileSync }', // /proc/sys/kernel/random/boot_id
    'watch.ts { watch, type FSWatcher }', // the -wal, which bears no locks
  ]);
});

it('no cursor is open over an await', () => {
  const asynchronous = readdirSync(SOURCES).filter((name) => {
    const text = readFileSync(new URL(name, SOURCES), 'utf8');
    return text.includes('.iterate(') && /\bawait\b/.test(text);
  });
  expect(asynchronous).toEqual([]);
});

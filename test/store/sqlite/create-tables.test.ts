/** The option `createTables`: with `false`, a file is opened as it is, or not at all. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { FleetQ, type AnyFleetQ } from 'fleet-q';
import { sqlite, sqliteDdl } from 'fleet-q/sqlite';
import { describe, expect, test } from 'vitest';
import { MIGRATIONS } from '../../../src/store/sqlite/schema/schema.js';
import { stopped, temporaryPath } from '../../support/queues.js';

const REFUSED = { code: 'STORE_ACCESS_DENIED', transient: false };

function opened(path: string, createTables: boolean): AnyFleetQ {
  return stopped(new FleetQ({ store: sqlite({ path, createTables }) }) as AnyFleetQ);
}

function fileWith(...statements: readonly string[]): string {
  const path = temporaryPath();
  const file = new Database(path);
  for (const statement of statements) file.exec(statement);
  file.close();
  return path;
}

describe('createTables: false', () => {
  test('refuses a file that does not exist, and does not create it', async () => {
    const path = temporaryPath();
    await expect(opened(path, false).stats()).rejects.toMatchObject(REFUSED);
    expect(existsSync(path)).toBe(false);
  });

  test.each([
    ['a database of another program', ['CREATE TABLE theirs (a)']],
    ['tables of an older schema', [...MIGRATIONS[0]!, schemaInfo(1)]],
  ])('refuses %s, and leaves every byte of it', async (_, statements) => {
    const path = fileWith(...statements);
    const before = readFileSync(path);
    await expect(opened(path, false).stats()).rejects.toMatchObject(REFUSED);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test('refuses an empty file, and leaves it empty', async () => {
    const path = temporaryPath();
    writeFileSync(path, '');
    await expect(opened(path, false).stats()).rejects.toMatchObject(REFUSED);
    expect(readFileSync(path)).toHaveLength(0);
  });

  test('opens the file of a pod, to read and to write', async () => {
    const path = temporaryPath();
    const stepId = await opened(path, true).submit({ type: 'a' });
    expect(await opened(path, false).cancel(stepId)).toBe('cancelled');
  });

  test('refuses a database in memory, which has no tables', async () => {
    await expect(opened(':memory:', false).stats()).rejects.toMatchObject(REFUSED);
  });

  test('opens a file that the text of sqliteDdl has made', async () => {
    const queue = opened(fileWith(sqliteDdl()), false);
    const stepId = await queue.submit({ type: 'a' });
    expect(await queue.getStep(stepId)).toMatchObject({ type: 'a', status: 'pending' });
  });
});

test('sqliteDdl makes exactly what a pod makes', async () => {
  const path = temporaryPath();
  await opened(path, true).stats();
  expect(schemaOf(fileWith(sqliteDdl()))).toEqual(schemaOf(path));
});

function schemaInfo(version: number): string {
  return `CREATE TABLE SCHEMA_INFO (one INTEGER PRIMARY KEY, version INTEGER, oldest_allowed INTEGER);
    INSERT INTO SCHEMA_INFO VALUES (1, ${version}, 1)`;
}

function schemaOf(path: string): unknown {
  const file = new Database(path, { readonly: true });
  try {
    const schema = file.prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY type, name').all();
    return [schema, file.prepare('SELECT * FROM SCHEMA_INFO').all()];
  } finally {
    file.close();
  }
}

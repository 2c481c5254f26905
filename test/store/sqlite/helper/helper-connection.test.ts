/** The helper's work on a file, run without a thread. */
import { existsSync, renameSync, statSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { HelperConnection } from '../../../../src/store/sqlite/helper/helper-connection.js';
import type { HelperTask } from '../../../../src/store/sqlite/helper/messages.js';
import { newCore, newFile } from '../support/files.js';

const REPLACED = { code: 'STORE_FILE_REPLACED', transient: false };

/** A connection that counts the steps of the file at `path`, as it is now. */
function connectionTo(path: string) {
  const { dev: device, ino: inode } = statSync(path, { bigint: true });
  const file = { key: path, path, identity: { device, inode } };
  const connection = new HelperConnection(file);
  onTestFinished(() => connection.close());
  const task: HelperTask = { kind: 'task', file, busyTimeoutMs: 1_000, name: 'stats', input: { now: 1 } };
  return { count: () => connection.run(task) };
}

function migrated(): string {
  const path = newFile();
  newCore(path);
  return path;
}

test('counts the steps of the file that the store has open', async () => {
  expect(await connectionTo(migrated()).count()).toMatchObject({ types: '[]' });
});

test('refuses a file that has replaced the one that the store has open', async () => {
  const path = migrated();
  const { count } = connectionTo(path);
  renameSync(path, `${path}.old`);
  renameSync(migrated(), path);
  await expect(count()).rejects.toMatchObject(REPLACED);
});

test('refuses a missing file, and does not create it', async () => {
  const path = migrated();
  const { count } = connectionTo(path);
  renameSync(path, `${path}.old`);
  await expect(count()).rejects.toMatchObject(REPLACED);
  expect(existsSync(path)).toBe(false);
});

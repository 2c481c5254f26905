/** What the helper thread does with a file, without a thread around it. */
import { existsSync, renameSync, statSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { HelperConnection } from '../../../../src/store/sqlite/helper/helper-connection.js';
import type { HelperTask } from '../../../../src/store/sqlite/helper/messages.js';
import { newCore, newFile } from '../support/files.js';

const REPLACED = { code: 'STORE_FILE_REPLACED', transient: false };

/** Asks a connection for the counts of this very file. */
function asking(path: string) {
  const { dev: device, ino: inode } = statSync(path, { bigint: true });
  const file = { key: path, path, identity: { device, inode } };
  const connection = new HelperConnection(file);
  onTestFinished(() => connection.close());
  const errand: HelperTask = { kind: 'errand', file, busyTimeoutMs: 1_000, name: 'stats', ask: { now: 1 } };
  return { count: () => connection.perform(errand) };
}

function migrated(): string {
  const path = newFile();
  newCore(path);
  return path;
}

test('a file is counted that is the one the store has open', async () => {
  expect(await asking(migrated()).count()).toMatchObject({ types: '[]' });
});

test('a file that took the place of the one the store has open is refused', async () => {
  const path = migrated();
  const { count } = asking(path);
  renameSync(path, `${path}.old`);
  renameSync(migrated(), path);
  await expect(count()).rejects.toMatchObject(REPLACED);
});

test('a file that is missing is refused, and not created', async () => {
  const path = migrated();
  const { count } = asking(path);
  renameSync(path, `${path}.old`);
  await expect(count()).rejects.toMatchObject(REPLACED);
  expect(existsSync(path)).toBe(false);
});

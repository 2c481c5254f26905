/** A file on a network file system is refused by every call, unless the host accepts the risk. */
import type * as FsPromises from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { FleetQ } from 'fleet-q';
import { sqlite, type SqliteOptions } from 'fleet-q/sqlite';
import { QUICK, stopped, temporaryPath } from '../support/queues.js';

const NFS = 0x6969;

// The store reads the type of the folder here and nowhere else.
vi.mock('node:fs/promises', async (importOriginal) => ({
  ...(await importOriginal<typeof FsPromises>()),
  statfs: () => Promise.resolve({ type: NFS }),
}));
vi.spyOn(process, 'platform', 'get').mockReturnValue('linux');

const queueOn = (options: SqliteOptions) =>
  stopped(new FleetQ({ store: sqlite(options), ...QUICK })).register('work', ({ i }: { i: number }) => i);

test('start, submit and stats fail with STORE_NETWORK_FS, name the file system, and create no file', async () => {
  const path = temporaryPath();
  const queue = queueOn({ path });
  const refusal = {
    code: 'STORE_NETWORK_FS',
    transient: false,
    message: expect.stringMatching(/NFS.*allowNetworkFileSystem/) as string,
  };
  await expect(queue.submit({ type: 'work', args: { i: 1 } })).rejects.toMatchObject(refusal);
  await expect(queue.start()).rejects.toMatchObject(refusal);
  await expect(queue.stats()).rejects.toMatchObject(refusal);
  expect(existsSync(path)).toBe(false);
});

test('allowNetworkFileSystem uses the file like any other', async () => {
  const queue = queueOn({ path: temporaryPath(), allowNetworkFileSystem: true });
  await queue.start();
  expect(await queue.waitFor(await queue.submit({ type: 'work', args: { i: 7 } }))).toBe(7);
});

test('a database in memory is on no file system', async () => {
  const queue = queueOn({ path: ':memory:' });
  await queue.start();
  expect(await queue.waitFor(await queue.submit({ type: 'work', args: { i: 7 } }))).toBe(7);
});

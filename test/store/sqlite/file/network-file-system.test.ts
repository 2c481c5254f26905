/** A store whose file is on a network file system, according to the kernel. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { newSteps } from '../../../conformance/harness.js';
import { temporaryFolder } from '../../../support/temp.js';
import { newFile, newStore } from '../support/files.js';

vi.mock('node:fs/promises', async (original) => ({
  ...(await original<object>()),
  statfs: async (folder: string) => ({ type: folder.endsWith('local') ? 0xef53 : 0x6969 }),
}));

const onLinux = process.platform === 'linux';

it.runIf(onLinux)('refuses a file on a network file system', async () => {
  const store = await newStore({ path: newFile() });
  await expect(store.open()).rejects.toMatchObject({ code: 'STORE_NETWORK_FS', transient: false });
});

it.runIf(onLinux)('checks the place of the file itself, not of a link to it', async () => {
  const folder = temporaryFolder();
  const [local, remote] = [join(folder, 'local'), join(folder, 'remote')];
  for (const each of [local, remote]) mkdirSync(each);
  await (await newStore({ path: join(local, 'steps.db') })).open();
  symlinkSync(join(local, 'steps.db'), join(remote, 'link-to-local.db'));
  writeFileSync(join(remote, 'steps.db'), '');
  symlinkSync(join(remote, 'steps.db'), join(local, 'link-to-remote.db'));
  await (await newStore({ path: join(remote, 'link-to-local.db') })).open();
  const refused = await newStore({ path: join(local, 'link-to-remote.db') });
  await expect(refused.open()).rejects.toMatchObject({ code: 'STORE_NETWORK_FS' });
});

it('opens such a file if an option allows it', async () => {
  const store = await newStore({ path: newFile(), allowNetworkFileSystem: true });
  expect(await store.submit(newSteps(1))).toEqual(['created']);
});

it('does not check a store in memory', async () => {
  await (await newStore({ path: ':memory:' })).open();
});

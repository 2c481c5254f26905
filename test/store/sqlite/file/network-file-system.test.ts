/** A store whose file lies on a network file system, as far as the system tells. */
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

it.runIf(onLinux)('is refused', async () => {
  const store = await newStore({ path: newFile() });
  await expect(store.open()).rejects.toMatchObject({ code: 'STORE_NETWORK_FS', transient: false });
});

it.runIf(onLinux)('is judged by where the file really is, not by where a link to it lies', async () => {
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

it('is opened where an option says that it may be', async () => {
  const store = await newStore({ path: newFile(), allowNetworkFileSystem: true });
  expect(await store.submit(newSteps(1))).toEqual(['created']);
});

it('is no matter in memory', async () => {
  await (await newStore({ path: ':memory:' })).open();
});

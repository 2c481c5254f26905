/** A store whose file lies on a network file system, as far as the system tells. */
import { expect, it, vi } from 'vitest';
import { newSteps } from '../../conformance/harness.js';
import { newFile, newStore } from './support/files.js';

vi.mock('node:fs/promises', () => ({ statfs: async () => ({ type: 0x6969 }) }));

const onLinux = process.platform === 'linux';

it.runIf(onLinux)('is refused', async () => {
  const store = await newStore({ path: newFile() });
  await expect(store.open()).rejects.toMatchObject({ code: 'STORE_NETWORK_FS', transient: false });
});

it('is opened where an option says that it may be', async () => {
  const store = await newStore({ path: newFile(), allowNetworkFileSystem: true });
  expect(await store.submit(newSteps(1))).toEqual(['created']);
});

it('is no matter in memory', async () => {
  await (await newStore({ path: ':memory:' })).open();
});

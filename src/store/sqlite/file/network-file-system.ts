/**
 * The file system that a database is to lie on.
 *
 * Network file systems are refused: their locks are advisory at best, and the -wal's shared memory cannot be shared
 * between hosts, so that two of them would destroy the file.
 */
import { statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { StoreError } from '../../../errors.js';

/** `statfs` types of Linux (linux/magic.h and the file systems' own). Other platforms answer 0 or numbers of their own. */
const NETWORK: Readonly<Record<number, string>> = {
  0x6969: 'NFS',
  0x517b: 'SMB',
  0xff534d42: 'CIFS',
  0xfe534d42: 'SMB2',
  0x01021997: '9p',
  0x65735546: 'FUSE',
  0x00c36400: 'Ceph',
  0x5346414f: 'AFS',
  0x0bd00bd0: 'Lustre',
  0x47504653: 'GPFS',
  0x786f4256: 'a shared folder of VirtualBox',
};

/** Answers the type of a folder's file system. */
export type FileSystemType = (folder: string) => Promise<number>;

const systemsType: FileSystemType = async (folder) => (process.platform === 'linux' ? (await statfs(folder)).type : 0);

/** @throws StoreError `STORE_NETWORK_FS` */
export async function refuseNetwork(path: string, typeOf: FileSystemType = systemsType): Promise<void> {
  const type = await typeOf(dirname(resolve(path))).catch(() => 0); // no folder there: opening the file will say so
  const name = NETWORK[type];
  if (name === undefined) return;
  throw new StoreError(
    'STORE_NETWORK_FS',
    `${path} lies on ${name}, where SQLite's locks do not hold: use a local disk, or allowNetworkFileSystem at your own risk`,
    false,
  );
}

/**
 * Refuses a database file on a network file system.
 *
 * Locks on network file systems are not reliable, and hosts cannot share the memory that SQLite's WAL mode needs
 * (`-shm`). Two hosts that write would damage the file.
 */
import { statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { StoreError } from '../../../errors.js';

/**
 * `statfs` types of Linux, from linux/magic.h and the file systems' own sources. Other platforms have other numbers.
 */
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

/** The type of a folder's file system. */
export type FileSystemType = (folder: string) => Promise<number>;

const systemsType: FileSystemType = async (folder) => (process.platform === 'linux' ? (await statfs(folder)).type : 0);

/** The network file system that a file is on; `undefined` if it is on none. */
export async function networkFileSystem(
  path: string,
  typeOf: FileSystemType = systemsType,
): Promise<string | undefined> {
  const type = await typeOf(dirname(resolve(path))).catch(() => 0); // if there is no folder, opening the file reports it
  return NETWORK[type];
}

/** @throws StoreError `STORE_NETWORK_FS` */
export async function refuseNetwork(path: string, typeOf: FileSystemType = systemsType): Promise<void> {
  const name = await networkFileSystem(path, typeOf);
  if (name === undefined) return;
  throw new StoreError(
    'STORE_NETWORK_FS',
    `${path} is on ${name}, where SQLite's locks do not hold. Use a local disk, or set allowNetworkFileSystem at your own risk`,
    false,
  );
}

/** The real path of a database file, and which files cannot be one. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  linkSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { identify, isSameFile, locate } from '../../src/files/file-identity.js';
import { temporaryFolder } from '../support/temp.js';

const onUnix = process.platform !== 'win32';

/** A temporary folder by its real path, with a file in it. */
function folderWithFile(): { folder: string; file: string } {
  const folder = realpathSync(temporaryFolder());
  const file = join(folder, 'steps.db');
  writeFileSync(file, '');
  return { folder, file };
}

describe('a file', () => {
  it('is found by its path', async () => {
    const { file } = folderWithFile();
    const place = await locate(file);
    expect(place).toMatchObject({ path: file, names: 1 });
    expect(isSameFile(place.identity, await identify(file))).toBe(true);
  });

  it('differs from a file on another device, and from a missing file', () => {
    const one = { device: 1n, inode: 7n };
    expect(isSameFile(one, { ...one })).toBe(true);
    expect(isSameFile(one, { ...one, device: 2n })).toBe(false);
    expect(isSameFile(one, { ...one, inode: 8n })).toBe(false);
    expect(isSameFile(undefined, undefined)).toBe(false);
  });

  it('that does not exist yet is located by its folder', async () => {
    const { folder } = folderWithFile();
    const path = join(folder, 'new.db');
    expect(await locate(path)).toEqual({ path, identity: undefined, names: 0 });
    expect(readdirSync(folder)).toEqual(['steps.db']);
  });

  it.runIf(onUnix)('is found through links to it, and to its folder', async () => {
    const { folder, file } = folderWithFile();
    symlinkSync(file, join(folder, 'link.db'));
    symlinkSync(folder, join(folder, 'linked'));
    expect((await locate(join(folder, 'link.db'))).path).toBe(file);
    expect((await locate(join(folder, 'linked', 'link.db'))).path).toBe(file);
    expect((await locate(join(folder, 'linked', 'new.db'))).path).toBe(join(folder, 'new.db'));
  });

  it('reports the number of its names', async () => {
    const { folder, file } = folderWithFile();
    linkSync(file, join(folder, 'second.db'));
    expect((await locate(file)).names).toBe(2);
  });

  it('differs from the file that replaces it', async () => {
    const { folder, file } = folderWithFile();
    const { identity } = await locate(file);
    renameSync(file, join(folder, 'moved.db'));
    expect(await identify(file)).toBeUndefined();
    writeFileSync(file, '');
    expect(isSameFile(identity, await identify(file))).toBe(false);
    expect(isSameFile(identity, await identify(join(folder, 'moved.db')))).toBe(true);
  });
});

describe('what cannot be a database', () => {
  const refusal = (path: string, problem: string) => ({
    name: 'StoreError',
    code: 'STORE_UNWRITABLE',
    transient: false,
    message: expect.stringMatching(new RegExp(`^${path}: .*${problem}`)) as string,
  });

  it('is a folder', async () => {
    const path = temporaryFolder();
    await expect(locate(path)).rejects.toMatchObject(refusal(path, 'found a folder'));
  });

  it.runIf(onUnix)('is a FIFO, which is not opened', async () => {
    const path = join(temporaryFolder(), 'fifo');
    execFileSync('mkfifo', [path]);
    await expect(locate(path)).rejects.toMatchObject(refusal(path, 'found a FIFO'));
  });

  it.runIf(onUnix)('is a socket', async () => {
    const path = join(temporaryFolder(), 'socket');
    const server = createServer();
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => server.listen(path, resolve));
    await expect(locate(path)).rejects.toMatchObject(refusal(path, 'found a socket'));
  });

  it.runIf(onUnix)('is a device', async () => {
    await expect(locate('/dev/null')).rejects.toMatchObject(refusal('/dev/null', 'found a device'));
  });

  it.runIf(onUnix)('is a link to nothing, or to itself', async () => {
    const folder = temporaryFolder();
    const [dangling, loop] = [join(folder, 'dangling'), join(folder, 'loop')];
    symlinkSync(join(folder, 'missing'), dangling);
    symlinkSync(loop, loop);
    await expect(locate(dangling)).rejects.toMatchObject(refusal(dangling, 'a link to a file that is missing'));
    await expect(locate(loop)).rejects.toMatchObject(refusal(loop, 'cannot be followed .*ELOOP'));
    expect(readdirSync(folder).sort()).toEqual(['dangling', 'loop']);
  });

  it('is a file in a folder that is missing, or that is not a folder', async () => {
    const { folder, file } = folderWithFile();
    const missing = join(folder, 'missing', 'steps.db');
    await expect(locate(missing)).rejects.toMatchObject(refusal(missing, `the folder .*missing is missing`));
    const within = join(file, 'steps.db');
    await expect(locate(within)).rejects.toMatchObject(refusal(within, 'to be a folder, found a file'));
  });

  it('is a file whose name is too long', async () => {
    const path = join(temporaryFolder(), 'x'.repeat(300));
    await expect(locate(path)).rejects.toMatchObject({ code: 'STORE_UNWRITABLE' });
  });

  // Root may read everything, so a program without privileges checks.
  it.runIf(onUnix)('is a file or a folder of another user', () => {
    const folder = realpathSync(temporaryFolder());
    chmodSync(folder, 0o755);
    for (const [name, mode] of [
      ['secret.db', 0o600],
      ['readable.db', 0o644],
    ] as const) {
      closeSync(openSync(join(folder, name), 'w', mode));
      if (process.getuid?.() !== 0) chmodSync(join(folder, name), mode & 0o444);
    }
    if (process.getuid?.() !== 0) {
      chmodSync(folder, 0o555);
      onTestFinished(() => (existsSync(folder) ? chmodSync(folder, 0o755) : undefined));
    }
    const located = new URL('../../dist/files/file-identity.js', import.meta.url).href;
    const program = `
      const { locate } = await import(${JSON.stringify(located)});
      if (process.getuid() === 0) {
        process.setgroups([]);
        process.setgid(65534);
        process.setuid(65534);
      }
      for (const name of ['secret.db', 'readable.db', 'new.db']) {
        await locate(${JSON.stringify(folder)} + '/' + name).then(
          () => console.log(name, 'found'),
          (error) => console.log(name, error.code, error.message),
        );
      }
    `;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(stdout.split('\n').slice(0, 3)).toEqual([
      expect.stringMatching(/^secret.db STORE_UNWRITABLE .*\/secret.db: this process may not read and write the file/),
      expect.stringMatching(/^readable.db STORE_UNWRITABLE .*\/readable.db: this process may not read and write/),
      expect.stringMatching(/^new.db STORE_UNWRITABLE .*\/new.db: this process may not make files in/),
    ]);
    expect(readdirSync(folder).sort()).toEqual(['readable.db', 'secret.db']);
  });
});

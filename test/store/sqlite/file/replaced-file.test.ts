/** A file that is deleted or replaced while a store has it open. */
import { renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { VirtualRuntime } from '../../../../src/runtime/virtual-runtime.js';
import { identify } from '../../../../src/files/file-identity.js';
import { ReplacedFile } from '../../../../src/store/sqlite/file/replaced-file.js';
import { newSteps } from '../../../conformance/harness.js';
import { eventually, joined, newFile, newStore, POD, rawConnection } from '../support/files.js';

const REPLACED = { name: 'StoreError', code: 'STORE_FILE_REPLACED', transient: false };

/** Moves the database away, as a reset of an environment does. */
function takeAway(path: string): void {
  for (const suffix of ['', '-wal', '-shm']) renameSync(`${path}${suffix}`, `${path}.old${suffix}`);
}

function replace(path: string): void {
  takeAway(path);
  writeFileSync(path, '');
}

function putBack(path: string): void {
  for (const suffix of ['', '-wal', '-shm']) renameSync(`${path}.old${suffix}`, `${path}${suffix}`);
}

describe('an open file', () => {
  async function opened() {
    const runtime = new VirtualRuntime();
    const path = newFile();
    rawConnection(path).exec('PRAGMA journal_mode = WAL; CREATE TABLE a (a)');
    const file = await ReplacedFile.of(runtime, path, await identify(path));
    const error = (): unknown => {
      try {
        file.check();
        return undefined;
      } catch (thrown) {
        return thrown;
      }
    };
    return { runtime, path, file, error };
  }

  it('is checked at most once a second, without waiting for the result', async () => {
    const { runtime, path, error } = await opened();
    takeAway(path);
    expect(error()).toBeUndefined();
    await runtime.advance(1_001);
    expect(error()).toBeUndefined(); // starts the check
    await eventually(() => error() !== undefined);
    expect(error()).toMatchObject(REPLACED);
  });

  it.each<[string, (path: string) => void, RegExp]>([
    ['was deleted', (path) => rmSync(path), /steps\.db was deleted or moved away while it was open/],
    ['was moved away', takeAway, /steps\.db was deleted or moved away/],
    ['was replaced', replace, /steps\.db was replaced by another file/],
    ['has lost its -wal', (path) => rmSync(`${path}-wal`), /steps\.db-wal was deleted or moved away/],
  ])('is reported as replaced if it %s', async (_what, change, message) => {
    const { path, file, error } = await opened();
    change(path);
    await file.checkNow();
    expect(error()).toMatchObject({ ...REPLACED, message: expect.stringMatching(message) as string });
  });

  it('counts as present while the file system cannot tell', async () => {
    const { path, file, error } = await opened();
    const folder = dirname(path);
    renameSync(folder, `${folder}-moved`);
    symlinkSync(folder, folder); // a link to itself
    await file.checkNow();
    expect(error()).toBeUndefined();
    rmSync(folder);
    renameSync(`${folder}-moved`, folder);
    await file.checkNow();
    expect(error()).toBeUndefined();
  });

  it('may be used again once the same file is back', async () => {
    const { path, file, error } = await opened();
    takeAway(path);
    await file.checkNow();
    expect(error()).toBeDefined();
    putBack(path);
    await file.checkNow();
    expect(error()).toBeUndefined();
  });

  it('is refused if it was replaced while it was being opened', async () => {
    const path = newFile();
    writeFileSync(path, '');
    const before = await identify(path);
    renameSync(path, `${path}.old`);
    await expect(ReplacedFile.of(new VirtualRuntime(), path, before)).rejects.toMatchObject(REPLACED);
    writeFileSync(path, '');
    await expect(ReplacedFile.of(new VirtualRuntime(), path, before)).rejects.toMatchObject(REPLACED);
  });
});

describe('a store', () => {
  it('refuses every call while its path leads to another file, and takes no row of that file', async () => {
    const runtime = new VirtualRuntime();
    const path = newFile();
    const store = await newStore({ path }, runtime);
    await joined(store);
    await store.submit(newSteps(1));
    takeAway(path);
    const neighbour = new Database(path);
    neighbour.exec(`CREATE TABLE STEP_TRACKER (status); INSERT INTO STEP_TRACKER VALUES ('completed')`);
    await runtime.advance(1_001);
    let refusal: unknown;
    await eventually(() => {
      void store.pulse().catch((error: unknown) => (refusal = error));
      return refusal !== undefined;
    });
    for (const call of [
      store.submit(newSteps(1)),
      store.exchange({ pod: POD, settlements: [] }),
      store.prune({ keepMs: 0 }),
      store.stats(),
      store.find(['a']),
      store.heartbeat(POD, { eligible: true, asleep: false, meta: {} }),
    ]) {
      await expect(call).rejects.toMatchObject(REPLACED);
    }
    expect(neighbour.prepare('SELECT count(*) FROM STEP_TRACKER').pluck().get()).toBe(1);
    neighbour.close();
    await store.close();
  });

  it('notices at once if the file system reports that the -wal was moved', async () => {
    const path = newFile();
    const store = await newStore({ path });
    await store.open();
    store.watch(() => undefined);
    takeAway(path);
    let refusal: unknown;
    await eventually(() => {
      void store.pulse().catch((error: unknown) => (refusal = error));
      return refusal !== undefined;
    });
    expect(refusal).toMatchObject(REPLACED);
  });
});

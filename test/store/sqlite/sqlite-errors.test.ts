/** The errors of SQLite and its driver, and the store errors that they become. */
import { describe, expect, it } from 'vitest';
import { StoreError } from '../../../src/errors.js';
import { storeError } from '../../../src/store/sqlite/sqlite-errors.js';
import { newStep, settlement } from '../../conformance/harness.js';
import { claimed, joined, newCore, newFile, newStore, POD, rawConnection } from './support/files.js';

describe('an error of SQLite', () => {
  it.each([
    ['SQLITE_BUSY_SNAPSHOT', 'STORE_BUSY', true],
    ['SQLITE_LOCKED', 'STORE_BUSY', true],
    ['SQLITE_CORRUPT_INDEX', 'STORE_CORRUPT', false],
    ['SQLITE_NOTADB', 'STORE_NOT_A_DATABASE', false],
    ['SQLITE_FULL', 'STORE_FULL', true],
    ['SQLITE_READONLY_DIRECTORY', 'STORE_UNWRITABLE', false],
    ['SQLITE_CANTOPEN_ISDIR', 'STORE_UNWRITABLE', false],
    ['SQLITE_TOOBIG', 'STORE_REFUSED', false],
    ['SQLITE_CONSTRAINT_DATATYPE', 'STORE_REFUSED', false],
    ['SQLITE_IOERR_WRITE', 'STORE_UNAVAILABLE', true],
    ['SQLITE_SOMETHING_NEW', 'STORE_UNAVAILABLE', true],
  ])('%s becomes %s', (code, ours, transient) => {
    const cause = Object.assign(new Error('the disk sulks'), { code });
    expect(storeError(cause, './steps.db')).toMatchObject({ code: ours, transient, cause });
    expect(storeError(cause, './steps.db').message).toContain('./steps.db');
    expect(storeError(cause, './steps.db').message).toContain('the disk sulks');
  });

  it('is not wrapped again if it is a StoreError', () => {
    const ours = new StoreError('STORE_FULL', 'full', true);
    expect(storeError(ours, 'x')).toBe(ours);
  });

  it('may be any thrown value', () => {
    expect(storeError('pardon?', 'x')).toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});

describe('the store', () => {
  it('refuses permanently what it can never hold, rolls the batch back, and continues', async () => {
    const store = await newStore({ path: newFile() });
    await joined(store);
    const good = newStep();
    // A priority that is not an integer stands for any value that a STRICT column refuses.
    const bad = newStep({ priority: 0.5 });
    const refusal = { name: 'StoreError', code: 'STORE_REFUSED', transient: false };
    await expect(store.submit([good, bad])).rejects.toMatchObject(refusal);
    expect(await store.find([good.stepId])).toEqual([]);
    expect(await store.submit([good])).toEqual(['created']);

    const [claim] = await claimed(store);
    const unbindable = settlement(claim!, { result: (10n ** 30n) as unknown as string });
    await expect(store.exchange({ pod: POD, settlements: [unbindable] })).rejects.toMatchObject(refusal);
    expect((await store.exchange({ pod: POD, settlements: [settlement(claim!)] })).receipts).toEqual(['settled']);
  });

  it('fails with STORE_FULL, which may be retried, if the disk is full, and loses nothing', () => {
    const { core, connection } = newCore(newFile());
    core.submit(1, [newStep()]);
    connection.pragma(`max_page_count = ${Number(connection.pragma('page_count', { simple: true })) + 2}`);
    const large = newStep({ payload: JSON.stringify({ type: 'work', args: 'x'.repeat(1_000_000) }) });
    let thrown: unknown;
    try {
      core.submit(2, [large]);
    } catch (error) {
      thrown = error;
    }
    expect(storeError(thrown, 'x')).toMatchObject({ code: 'STORE_FULL', transient: true });
    connection.pragma('max_page_count = 1000000');
    expect(core.submit(3, [large])).toEqual(['created']);
  });

  it('fails with STORE_CORRUPT if the file is damaged while it is open', async () => {
    const path = newFile();
    const store = await newStore({ path });
    await store.submit([newStep()]);
    const other = rawConnection(path);
    other.unsafeMode();
    other.pragma('writable_schema = 1');
    other.exec(`UPDATE sqlite_schema SET rootpage = 10000 WHERE name = 'STEP_TRACKER'; PRAGMA schema_version = 99`);
    await expect(store.submit([newStep()])).rejects.toMatchObject({ code: 'STORE_CORRUPT', transient: false });
  });
});

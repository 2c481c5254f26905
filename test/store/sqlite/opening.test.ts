/** Opening a file, and the errors if that fails. */
import { existsSync, mkdirSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sqlite, type SqliteOptions } from '../../../src/sqlite.js';
import { openConnection, type ConnectionOptions } from '../../../src/store/sqlite/file/open-connection.js';
import { refuseNetwork } from '../../../src/store/sqlite/file/network-file-system.js';
import { migrate } from '../../../src/store/sqlite/schema/migration.js';
import { CREATE_SCHEMA_INFO, MIGRATIONS, SCHEMA_VERSION } from '../../../src/store/sqlite/schema/schema.js';
import { claimRequest, newSteps, settlement } from '../../conformance/harness.js';
import { temporaryFolder } from '../../support/temp.js';
import { claimed, joined, newFile, newStore, POD, rawConnection, turn } from './support/files.js';

describe('a connection', () => {
  function settings(options: Omit<ConnectionOptions, 'path'>): Record<string, unknown> {
    const connection = openConnection(Database, { path: newFile(), ...options });
    const names = [
      ...['busy_timeout', 'journal_mode', 'synchronous', 'journal_size_limit', 'mmap_size'],
      'wal_autocheckpoint',
    ];
    const read = Object.fromEntries(names.map((name) => [name, connection.pragma(name, { simple: true })]));
    connection.close();
    return read;
  }

  it('never blocks the event loop, keeps its -wal bounded, and maps no file', () => {
    expect(settings({ synchronous: 'normal', autocheckpoint: 10_000 })).toEqual({
      busy_timeout: 0,
      journal_mode: 'wal',
      synchronous: 1,
      journal_size_limit: 64 * 1024 * 1024,
      mmap_size: 0,
      wal_autocheckpoint: 10_000,
    });
  });

  it('flushes each commit if synchronous is full', () => {
    expect(settings({ synchronous: 'full', autocheckpoint: 200 })).toMatchObject({
      synchronous: 2,
      wal_autocheckpoint: 200,
    });
  });

  it('is refused if the journal mode cannot be WAL', () => {
    // A temporary database keeps its rollback journal, as a file system without shared memory would.
    expect(() => openConnection(Database, { path: '', synchronous: 'normal', autocheckpoint: 200 })).toThrow(
      /expected the journal mode wal, got delete/,
    );
  });
});

/** Where Linux shows what a process has open. */
const DESCRIPTORS = '/proc/self/fd';

function openFiles(): string[] {
  return readdirSync(DESCRIPTORS).flatMap((descriptor) => {
    try {
      return [readlinkSync(join(DESCRIPTORS, descriptor))];
    } catch {
      return []; // the descriptor of this listing
    }
  });
}

describe('opening', () => {
  it('creates the file once for all callers at the same time', async () => {
    const path = newFile();
    const stores = await Promise.all(Array.from({ length: 8 }, () => newStore({ path })));
    const receipts = await Promise.all(stores.map((store) => store.submit(newSteps(3))));
    expect(receipts.flat()).toEqual(Array<string>(24).fill('created'));
    expect((await stores[0]!.stats()).byStatus.pending).toBe(24);
  });

  it('waits for a file that another connection has locked, without blocking the event loop', async () => {
    const path = newFile();
    const other = rawConnection(path);
    other.exec('CREATE TABLE theirs (a); BEGIN EXCLUSIVE');
    const store = await newStore({ path });
    let open = false;
    const opening = store.open().then(() => {
      open = true;
    });
    for (let turns = 0; turns < 50; turns++) await turn();
    expect(open).toBe(false);
    other.exec('COMMIT');
    await opening;
    expect(await store.submit(newSteps(1))).toEqual(['created']);
  });

  it('fails with STORE_BUSY, which may be retried, at its deadline, and succeeds later', async () => {
    const path = newFile();
    const other = rawConnection(path);
    other.exec('CREATE TABLE theirs (a); BEGIN EXCLUSIVE');
    const store = await newStore({ path, busyTimeoutMs: 20 });
    await expect(store.open()).rejects.toMatchObject({ name: 'StoreError', code: 'STORE_BUSY', transient: true });
    other.exec('COMMIT');
    await store.open();
  });

  it.each<[string, string, (path: string) => void]>([
    [
      'STORE_NOT_A_DATABASE',
      'a file that is not a database',
      (path) => writeFileSync(path, 'not a database, '.repeat(100)),
    ],
    ['STORE_UNWRITABLE', 'a folder in its place', (path) => mkdirSync(path)],
    ['STORE_CORRUPT', 'a damaged file', damaged],
  ])('fails with %s for %s', async (code, _what, prepare) => {
    const path = newFile();
    prepare(path);
    const store = await newStore({ path });
    const failure = { name: 'StoreError', code, transient: false, message: expect.stringContaining(path) as string };
    await expect(store.submit(newSteps(1))).rejects.toMatchObject(failure);
    await expect(store.submit(newSteps(1))).rejects.toMatchObject(failure);
  });

  it('fails with STORE_UNWRITABLE if the folder is missing, and succeeds once it exists', async () => {
    const path = join(temporaryFolder(), 'missing', 'steps.db');
    const store = await newStore({ path });
    await expect(store.open()).rejects.toMatchObject({ code: 'STORE_UNWRITABLE', transient: false });
    mkdirSync(dirname(path));
    await store.open();
  });

  it('starts again after a failure, once for all callers', async () => {
    const path = join(temporaryFolder(), 'missing', 'steps.db');
    const store = await newStore({ path });
    const again = async (): Promise<void> => {
      await store.open().catch(() => mkdirSync(dirname(path), { recursive: true }));
      await store.open();
    };
    await Promise.all([again(), again(), again()]);
    expect(await store.submit(newSteps(1))).toEqual(['created']);
    await store.close();
    // The last connection to close deletes the -wal, so no connection has leaked.
    expect(readdirSync(dirname(path))).toEqual(['steps.db']);
  });

  it.runIf(existsSync(DESCRIPTORS))('leaves nothing open if it fails', async () => {
    const path = newFile();
    writeFileSync(path, 'x'.repeat(5_000));
    await expect((await newStore({ path })).open()).rejects.toThrow();
    expect(openFiles().filter((file) => file.startsWith(path))).toEqual([]);
    const newer = newFile();
    const other = new Database(newer);
    other.exec(CREATE_SCHEMA_INFO);
    other.exec('INSERT INTO SCHEMA_INFO (one, version, oldest_allowed) VALUES (1, 99, 99)');
    other.close();
    await expect((await newStore({ path: newer })).open()).rejects.toMatchObject({ code: 'STORE_SCHEMA_NEWER' });
    expect(openFiles().filter((file) => file.startsWith(newer))).toEqual([]);
    const fine = await newStore({ path: newFile() });
    await fine.open();
    expect(openFiles().some((file) => file.endsWith('.db'))).toBe(true); // an open store has such a descriptor
  });
});

describe('the schema', () => {
  const stamp = (path: string, version: number, oldestAllowed: number): void => {
    const connection = rawConnection(path);
    connection.prepare('UPDATE SCHEMA_INFO SET version = ?, oldest_allowed = ?').run(version, oldestAllowed);
  };

  it('is refused if this version is too old to write it', async () => {
    const path = newFile();
    const first = await newStore({ path });
    await first.open();
    stamp(path, 99, SCHEMA_VERSION + 1);
    const second = await newStore({ path });
    await expect(second.open()).rejects.toMatchObject({ code: 'STORE_SCHEMA_NEWER', transient: false });
  });

  it('is accepted if it is newer but lets this version write', async () => {
    const path = newFile();
    await (await newStore({ path })).open();
    stamp(path, 99, SCHEMA_VERSION);
    const store = await newStore({ path });
    expect(await store.submit(newSteps(1))).toEqual(['created']);
    expect(rawConnection(path).prepare('SELECT version FROM SCHEMA_INFO').pluck().get()).toBe(99);
  });

  it('is no longer written once a newer version has excluded this one, but running steps are settled', async () => {
    const path = newFile();
    const store = await newStore({ path });
    await joined(store);
    await store.submit(newSteps(2));
    const claims = await claimed(store, { free: 1 });
    stamp(path, 99, SCHEMA_VERSION + 1);
    const at = { stepId: claims[0]!.stepId, version: claims[0]!.version };
    for (const refused of [
      store.submit(newSteps(1)),
      store.cancel('token', [at]),
      store.retry([at]),
      store.prune({ keepMs: 0 }),
      store.register({ podId: 'b', incarnation: 'b', heartbeatMs: 1_000, deadAfterMs: 10_000, meta: {} }),
    ]) {
      await expect(refused).rejects.toMatchObject({ code: 'STORE_SCHEMA_NEWER', transient: false });
    }
    const request = { pod: POD, settlements: [settlement(claims[0]!)], claim: claimRequest() };
    expect(await store.exchange(request)).toMatchObject({ receipts: ['settled'], claims: [] });
    await store.leave(POD);
    expect((await store.stats()).byStatus).toMatchObject({ pending: 1, completed: 1 });
  });

  it('makes the next heartbeat return outdated once a newer version excludes this one', async () => {
    const path = newFile();
    const store = await newStore({ path });
    await joined(store);
    const beat = { eligible: true, asleep: false, meta: {} };
    expect((await store.heartbeat(POD, beat)).outdated).toBe(false);
    stamp(path, 99, SCHEMA_VERSION + 1);
    expect((await store.heartbeat(POD, beat)).outdated).toBe(true);
  });

  it('is migrated in a file of version 1, which keeps its steps and their order', async () => {
    const path = newFile();
    const old = rawConnection(path);
    for (const statement of [...MIGRATIONS[0]!, CREATE_SCHEMA_INFO]) old.exec(statement);
    old.exec('INSERT INTO SCHEMA_INFO (one, version, oldest_allowed) VALUES (1, 1, 1)');
    const insert = old.prepare(`INSERT INTO STEP_TRACKER (step_id, step_type, due, run_at, created_ts, payload)
      VALUES (?, 'work', 1, 1, 1, '{"type":"work"}')`);
    for (const stepId of ['c', 'a', 'b']) insert.run(stepId);
    old.close();
    const store = await newStore({ path });
    await joined(store);
    await store.submit(newSteps(1, { stepId: '0', runAt: 1 }));
    expect((await claimed(store)).map(({ stepId }) => stepId)).toEqual(['c', 'a', 'b', '0']);
    const made = (from: string) =>
      rawConnection(from).prepare('SELECT name, sql FROM sqlite_schema ORDER BY name').all();
    const fresh = newFile();
    await (await newStore({ path: fresh })).open();
    expect(made(path)).toEqual(made(fresh));
  });

  it('is created once if two processes start at the same time', () => {
    const path = newFile();
    const [first, second] = [0, 1].map(() =>
      openConnection(Database, { path, synchronous: 'normal', autocheckpoint: 200 }),
    );
    onTestFinished(() => [first!, second!].forEach((connection) => connection.close()));
    // The other process migrates after this one has read the version.
    const overtaken = new Proxy(first!, {
      get: (target, key) => {
        if (key === 'transaction') migrate(second!, path);
        const member: unknown = Reflect.get(target, key, target);
        return typeof member === 'function' ? (member.bind(target) as unknown) : member;
      },
    });
    migrate(overtaken, path);
    expect(first!.prepare('SELECT version FROM SCHEMA_INFO').pluck().all()).toEqual([SCHEMA_VERSION]);
  });

  it('has STRICT rowid tables, with six partial indexes on the steps', async () => {
    const path = newFile();
    await (await newStore({ path })).open();
    const connection = rawConnection(path);
    const tables = connection.prepare<[], { name: string; strict: number; wr: number }>('PRAGMA table_list').all();
    const ours = tables.filter(({ name }) => !name.startsWith('sqlite_'));
    expect(ours.map(({ name, strict, wr }) => [name, strict, wr]).sort()).toEqual([
      ['POD_HEALTH', 1, 0],
      ['POD_TYPES', 1, 0],
      ['SCHEMA_INFO', 1, 0],
      ['STEP_TRACKER', 1, 0],
      ['WALL_CLOCK', 1, 0],
    ]);
    const indexes = connection
      .prepare<[], { partial: number; name: string }>("PRAGMA index_list('STEP_TRACKER')")
      .all();
    expect(indexes.filter(({ partial }) => partial === 1)).toHaveLength(6);
    expect(indexes.filter(({ partial }) => partial === 0)).toHaveLength(1); // the index of the ids
  });
});

describe('a network file system', () => {
  it.each([
    ['NFS', 0x6969],
    ['SMB', 0x517b],
    ['SMB2', 0xfe534d42],
    ['9p', 0x01021997],
    ['FUSE', 0x65735546],
  ])('is refused: %s', async (name, type) => {
    const refusal = refuseNetwork('/somewhere/steps.db', async () => type);
    await expect(refusal).rejects.toMatchObject({ code: 'STORE_NETWORK_FS', transient: false });
    await expect(refusal).rejects.toThrow(name);
  });

  it('is distinguished from a local disk by the folder', async () => {
    const asked: string[] = [];
    await refuseNetwork('/somewhere/steps.db', async (folder) => {
      asked.push(folder);
      return 0xef53;
    });
    expect(asked).toEqual(['/somewhere']);
  });

  it('is not checked if the folder is missing, so that opening the file reports the error', async () => {
    await refuseNetwork(join(temporaryFolder(), 'missing', 'steps.db'));
  });
});

describe('options', () => {
  it.each<[string, SqliteOptions, string]>([
    ['an unknown option', { paht: 'x' } as SqliteOptions, 'did you mean path?'],
    ['an empty path', { path: '' }, 'sqlite.path: expected a path, a file: URL object, or :memory:, got ""'],
    ['a path of another type', { path: 1 } as unknown as SqliteOptions, 'got 1'],
    [
      'another value of synchronous',
      { synchronous: 'off' } as unknown as SqliteOptions,
      `expected 'normal' or 'full', got "off"`,
    ],
    ['a time-out of zero', { busyTimeoutMs: 0 }, 'busyTimeoutMs'],
    ['a text that is not a URL', { workerUrl: 'helper' }, 'expected a URL, got "helper"'],
  ])('refuses %s', (_what, options, message) => {
    expect(() => sqlite(options)).toThrow(message);
    expect(() => sqlite(options)).toThrow(expect.objectContaining({ name: 'ValidationError', code: 'OPTION_INVALID' }));
  });
});

/** A database whose first table has lost its root page. */
function damaged(path: string): void {
  const connection = new Database(path);
  connection.exec('CREATE TABLE SCHEMA_INFO (version, oldest_allowed); INSERT INTO SCHEMA_INFO VALUES (1, 1)');
  const whole = connection.serialize();
  connection.close();
  whole.fill(0xff, whole.length / 2);
  writeFileSync(path, whole);
}

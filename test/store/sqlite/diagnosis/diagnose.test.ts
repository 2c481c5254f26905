/** What a diagnosis finds of a database file, and that it changes nothing in it. */
import { execSync } from 'node:child_process';
import type * as FsPromises from 'node:fs/promises';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { newSteps } from '../../../conformance/harness.js';
import type { Finding, Store } from '../../../../src/store/contract.js';
import { CREATE_SCHEMA_INFO, MIGRATIONS } from '../../../../src/store/sqlite/schema/schema.js';
import { ended, startScript } from '../../../support/child.js';
import { joined, newFile, newStore, rawConnection } from '../support/files.js';

/** What `statfs` answers instead, while it is set. */
const disk: { type?: number; bavail?: number } = {};
vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof FsPromises>();
  return { ...real, statfs: async (path: string) => Object.assign(await real.statfs(path), disk) };
});

function onDisk(over: typeof disk): void {
  Object.assign(disk, over);
  onTestFinished(() => {
    delete disk.type;
    delete disk.bavail;
  });
}

const MIB = 1024 ** 2;
const isRoot = process.getuid?.() === 0;

/** A file with its tables, which nobody has open. */
async function closedFile(): Promise<string> {
  const path = newFile();
  const store = await newStore({ path });
  await store.open();
  await store.close();
  return path;
}

async function findingsOf(store: Store): Promise<Map<string, Finding>> {
  const { findings } = await store.diagnose();
  return new Map(findings.map((finding) => [finding.check, finding]));
}

async function findingsAt(path: string, over: object = {}): Promise<Map<string, Finding>> {
  return findingsOf(await newStore({ path, ...over }));
}

/** Every file of the folder, with its content. */
function contents(path: string): Record<string, string> {
  const folder = dirname(path);
  return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(`${folder}/${name}`, 'base64')]));
}

describe('a diagnosis of a file', () => {
  it('finds nothing wrong with a file that an open store uses', async () => {
    const path = newFile();
    const store = await newStore({ path });
    await store.open();
    chmodSync(path, 0o600);
    await store.submit(newSteps(3));
    const { findings, counts, pods } = await store.diagnose();
    expect(findings.filter(({ level }) => level !== 'ok')).toEqual([]);
    expect(findings.map(({ check }) => check)).toEqual([
      ...['file', 'driver', 'file-system', 'free-space', 'file-permissions', 'hard-links', 'wal-size'],
      ...['sqlite-version', 'journal-mode', 'synchronous', 'schema-version', 'tables', 'unused-pages', 'integrity'],
      'write-lock',
    ]);
    expect(counts?.byStatus.pending).toBe(3);
    expect(pods).toEqual([]);
  });

  it('finds nothing wrong with a file that nobody has open, and leaves it as it is', async () => {
    const path = await closedFile();
    const before = contents(path);
    const store = await newStore({ path });
    const { findings, counts, pods } = await store.diagnose();
    expect(findings.filter(({ level }) => level !== 'ok')).toEqual([]);
    expect(counts?.byStatus.pending).toBe(0);
    expect(pods).toEqual([]);
    await store.close();
    expect(contents(path)).toEqual(before);
  });

  it('creates no file, and says that there is none', async () => {
    const path = newFile();
    const findings = await findingsAt(path);
    expect(findings.get('file')).toMatchObject({ level: 'warning', message: `There is no file ${path} yet.` });
    expect(findings.get('free-space')?.level).toBe('ok');
    expect(findings.has('integrity')).toBe(false);
    expect((await findingsAt(path, { createTables: false })).get('file')?.level).toBe('failure');
    expect(readdirSync(dirname(path))).toEqual([]);
  });

  it('leaves the -wal of a process that was killed as it is, and counts its steps', async () => {
    const path = newFile();
    await ended(startScript('test/store/sqlite/programs/killed-after-submit.ts', [path], 'inherit'));
    const before = contents(path);
    expect(Object.keys(before)).toHaveLength(3);
    const store = await newStore({ path });
    const { findings, counts } = await store.diagnose();
    expect(findings.filter(({ level }) => level === 'failure')).toEqual([]);
    expect(counts?.byStatus.pending).toBe(2);
    await store.close();
    expect(contents(path)).toEqual({ ...before, 'steps.db-shm': expect.any(String) });
  });

  it('does not migrate a file of an older version, and says so', async () => {
    const path = newFile();
    const connection = rawConnection(path);
    connection.exec(`${MIGRATIONS[0]!.join(';')};${CREATE_SCHEMA_INFO}`);
    connection.exec('INSERT INTO SCHEMA_INFO (one, version, oldest_allowed) VALUES (1, 1, 1)');
    connection.close();
    const before = contents(path);
    const findings = await findingsAt(path);
    expect(findings.get('schema-version')).toMatchObject({
      level: 'warning',
      message: expect.stringMatching(/^Version 1;/),
    });
    expect((await findingsAt(path, { createTables: false })).get('schema-version')?.level).toBe('warning');
    expect(contents(path)).toEqual(before);
  });

  it('fails if a newer version has migrated the file', async () => {
    const path = await closedFile();
    rawConnection(path).exec('UPDATE SCHEMA_INFO SET version = 99, oldest_allowed = 99');
    expect((await findingsAt(path)).get('schema-version')).toMatchObject({
      level: 'failure',
      advice: expect.stringContaining('Update'),
    });
  });

  it('says that another database holds no queue', async () => {
    const path = newFile();
    rawConnection(path).exec('CREATE TABLE theirs (x)');
    const findings = await findingsAt(path);
    expect(findings.get('schema-version')).toMatchObject({ level: 'warning', message: 'The file holds no queue yet.' });
    expect(findings.get('journal-mode')).toMatchObject({ level: 'warning', message: 'The journal mode is delete.' });
  });

  it('fails if another database holds no queue, and the store may not create the tables: then it does not open', async () => {
    const path = newFile();
    rawConnection(path).exec('CREATE TABLE theirs (x)');
    const store = await newStore({ path, createTables: false });
    await expect(store.open()).rejects.toMatchObject({ code: 'STORE_ACCESS_DENIED' });
    expect((await findingsOf(store)).get('schema-version')).toMatchObject({
      ...{ level: 'failure', message: 'The file holds no queue.', advice: expect.stringContaining('path') },
    });
  });
});

describe('a file that cannot be opened', () => {
  it.each([
    ['its folder is missing', (path: string) => `${path}/none/steps.db`, 'STORE_UNWRITABLE'],
    ['it is a folder', (path: string) => (mkdirSync(path), path), 'STORE_UNWRITABLE'],
    ['it is a link to nothing', (path: string) => (symlinkSync(`${path}-none`, path), path), 'STORE_UNWRITABLE'],
    ['it is no database', (path: string) => (writeFileSync(path, 'x'.repeat(5_000)), path), 'STORE_NOT_A_DATABASE'],
  ])('is a failure that says why: %s', async (_, make, code) => {
    const path = make(newFile());
    const { findings, counts } = await (await newStore({ path })).diagnose();
    expect(findings[0]).toMatchObject({ check: 'file', level: 'failure', message: expect.stringContaining(code) });
    expect(findings[0]?.advice).not.toBeNull();
    expect(counts).toBeUndefined();
  });

  it('is a failure if it was deleted while the store had it open', async () => {
    const path = newFile();
    const store = await newStore({ path });
    await store.open();
    unlinkSync(path);
    await expect
      .poll(async () => (await findingsOf(store)).get('file')?.message, { timeout: 20_000 })
      .toMatch(/^STORE_FILE_REPLACED/);
    expect(existsSync(path)).toBe(false);
  });

  it('is a failure if another connection locks it', async () => {
    const path = await closedFile();
    const holder = rawConnection(path);
    holder.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; DELETE FROM POD_TYPES');
    expect((await findingsAt(path)).get('file')).toMatchObject({
      level: 'failure',
      message: expect.stringContaining('STORE_BUSY'),
    });
  });
});

describe('the place of a file', () => {
  it('fails on a network file system, and opens the file only if that is allowed', async () => {
    const path = await closedFile();
    vi.spyOn(process, 'platform', 'get').mockReturnValue('linux');
    onTestFinished(() => void vi.restoreAllMocks());
    onDisk({ type: 0x6969 });
    const refused = await findingsAt(path);
    expect(refused.get('file-system')).toMatchObject({
      level: 'failure',
      message: expect.stringContaining('NFS') as string,
    });
    expect(refused.has('integrity')).toBe(false);
    const allowed = await findingsAt(path, { allowNetworkFileSystem: true });
    expect(allowed.get('file-system')?.level).toBe('warning');
    expect(allowed.get('integrity')?.level).toBe('ok');
  });

  it('warns below 1 GiB of free space, and fails below 100 MiB', async () => {
    const path = await closedFile();
    const blocks = (bytes: number) => Math.floor(bytes / blockSize(path));
    onDisk({ bavail: blocks(500 * MIB) });
    expect((await findingsAt(path)).get('free-space')).toMatchObject({
      level: 'warning',
      message: expect.stringContaining('500 MiB'),
    });
    onDisk({ bavail: blocks(50 * MIB) });
    expect((await findingsAt(path)).get('free-space')?.level).toBe('failure');
  });

  it('warns if every user of the host may read or write the file', async () => {
    const path = await closedFile();
    chmodSync(dirname(path), 0o755);
    chmodSync(path, 0o644);
    expect((await findingsAt(path)).get('file-permissions')).toMatchObject({
      level: 'warning',
      message: expect.stringContaining('may read'),
    });
    chmodSync(path, 0o666);
    expect((await findingsAt(path)).get('file-permissions')?.message).toContain('may write');
    chmodSync(dirname(path), 0o750);
    expect((await findingsAt(path)).get('file-permissions')?.level).toBe('ok');
  });

  it.runIf(isRoot)('warns if the -wal belongs to another user than the file', async () => {
    const path = newFile();
    const store = await newStore({ path });
    await store.open();
    chownSync(`${path}-wal`, 65_534, 65_534);
    expect((await findingsOf(store)).get('file-permissions')).toMatchObject({
      level: 'warning',
      message: expect.stringContaining('65534'),
    });
  });

  // Root may write everything, so a program without privileges diagnoses.
  it('fails if this process may not write the file', async () => {
    const path = await closedFile();
    chmodSync(dirname(path), 0o755);
    chmodSync(path, 0o444);
    const program = startScript('test/store/sqlite/programs/unprivileged-diagnosis.ts', [path], 'inherit');
    const findings = JSON.parse(await text(program.stdout!)) as Finding[];
    expect(findings.find(({ check }) => check === 'file')).toMatchObject({
      level: 'failure',
      message: expect.stringContaining('STORE_UNWRITABLE'),
    });
  });

  it('is quoted in the commands that a finding shows', async () => {
    const path = `${dirname(newFile())}/it's a queue.db`;
    const store = await newStore({ path });
    await store.open();
    rawConnection(path).exec(`CREATE TABLE large AS SELECT zeroblob(${8 * MIB}) AS x`);
    chmodSync(dirname(path), 0o755);
    chmodSync(path, 0o644);
    const findings = await findingsOf(store);
    const command = findings.get('integrity')?.message.split('To check: ')[1]?.replace('sqlite3', 'ls');
    expect(() => execSync(command!.replace(" 'PRAGMA quick_check'", ''), { stdio: 'pipe' })).not.toThrow();
    execSync(findings.get('file-permissions')!.advice!);
    expect(statSync(path).mode & 0o777).toBe(0o640);
  });

  it('warns of a second name of the file', async () => {
    const path = await closedFile();
    linkSync(path, `${path}-second`);
    expect((await findingsAt(path)).get('hard-links')).toMatchObject({
      level: 'warning',
      message: 'The file has 2 names.',
    });
  });

  it('warns of a -wal that a long transaction keeps from being reset', async () => {
    const path = newFile();
    const store = await newStore({ path });
    await store.open();
    const reader = rawConnection(path);
    reader.exec('BEGIN');
    reader.prepare('SELECT COUNT(*) FROM STEP_TRACKER').get();
    const args = 'x'.repeat(4 * MIB);
    while (statSync(`${path}-wal`).size <= 64 * MIB) await store.submit(newSteps(4, { args } as never));
    expect((await findingsOf(store)).get('wal-size')).toMatchObject({
      level: 'warning',
      advice: expect.stringContaining('long transaction'),
    });
  });
});

function blockSize(path: string): number {
  return statSync(path).blksize;
}

describe('the database in a file', () => {
  it.each([
    ['a missing table', 'DROP TABLE POD_TYPES', 'failure', 'table POD_TYPES'],
    ['a missing index', 'DROP INDEX STEP_READY', 'failure', 'index STEP_READY'],
    [
      'a missing column',
      'ALTER TABLE STEP_TRACKER RENAME COLUMN crashes TO was_crashes',
      'failure',
      'column crashes of STEP_TRACKER',
    ],
    [
      'a foreign trigger',
      'CREATE TRIGGER mine AFTER INSERT ON STEP_TRACKER BEGIN SELECT 1; END',
      'warning',
      'trigger mine on STEP_TRACKER',
    ],
  ])('is altered: %s', async (_, change, level, named) => {
    const path = await closedFile();
    rawConnection(path).exec(change);
    const tables = (await findingsAt(path)).get('tables');
    expect(tables).toMatchObject({ level, message: expect.stringContaining(named) });
  });

  it('may have tables of others', async () => {
    const path = await closedFile();
    rawConnection(path).exec(
      'CREATE TABLE theirs (x); CREATE INDEX theirs_x ON theirs (x); ALTER TABLE STEP_TRACKER ADD COLUMN note TEXT',
    );
    expect((await findingsAt(path)).get('tables')?.level).toBe('ok');
  });

  it('is damaged', async () => {
    const path = await closedFile();
    const connection = new Database(path);
    const page = connection
      .prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'STEP_ENDED'")
      .pluck()
      .get() as number;
    const bytes = connection.pragma('page_size', { simple: true }) as number;
    connection.close();
    const content = readFileSync(path);
    writeFileSync(path, content.fill(0xff, (page - 1) * bytes, page * bytes));
    expect((await findingsAt(path)).get('integrity')).toMatchObject({
      level: 'failure',
      advice: expect.stringContaining('backup'),
    });
  });

  it('is not read in whole if it is large and a pod may be at work here', async () => {
    const path = await closedFile();
    rawConnection(path).exec(`CREATE TABLE large AS SELECT zeroblob(${8 * MIB}) AS x`);
    const store = await newStore({ path });
    expect((await findingsOf(store)).get('integrity')?.message).toBe('quick_check finds no damage.');
    await store.open();
    const message = expect.stringContaining('Not checked') as string;
    expect((await findingsOf(store)).get('integrity')).toMatchObject({ level: 'ok', message });
  });

  it('consists of unused pages', async () => {
    const path = await closedFile();
    const connection = rawConnection(path);
    connection.exec(`CREATE TABLE large AS SELECT zeroblob(${260 * MIB}) AS x; DROP TABLE large`);
    expect((await findingsAt(path)).get('unused-pages')).toMatchObject({
      level: 'warning',
      message: expect.stringContaining('unused'),
    });
  });

  it('has another journal mode', async () => {
    const path = await closedFile();
    rawConnection(path).pragma('journal_mode = delete');
    expect((await findingsAt(path)).get('journal-mode')).toMatchObject({
      level: 'warning',
      message: 'The journal mode is delete.',
    });
  });

  it('is set to flush each commit', async () => {
    const path = await closedFile();
    expect((await findingsAt(path, { synchronous: 'full' })).get('synchronous')?.message).toMatch(/^full/);
  });

  it('is locked for long by another connection', async () => {
    const path = newFile();
    const store = await newStore({ path });
    await store.open();
    await joined(store);
    rawConnection(path).exec('BEGIN IMMEDIATE');
    expect((await findingsOf(store)).get('write-lock')).toMatchObject({
      level: 'failure',
      message: expect.stringContaining('2 s'),
    });
  });
});

it('a database in memory is no file; its steps are counted once it is open', async () => {
  const store = await newStore({ path: ':memory:' });
  expect(await store.diagnose()).toMatchObject({
    counts: undefined,
    findings: [{ check: 'file', level: 'ok' }, { check: 'driver' }],
  });
  await store.submit(newSteps(2));
  expect((await store.diagnose()).counts?.byStatus.pending).toBe(2);
});

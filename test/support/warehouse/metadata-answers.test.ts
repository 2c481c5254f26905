/** Answers from metadata: which statements the proxy answers itself, and that no answer is older than its table. */
import { beforeEach, expect, test, vi } from 'vitest';
import { Changes } from './change-tokens.js';
import type { Driver } from './driver.js';
import { MetadataAnswers } from './metadata-answers.js';
import { Session } from './sessions.js';
import { describeOnTestBed } from './suite.js';
import { useTestBed } from './use-test-bed.js';
import { done } from './wire-replies.js';

const COUNT = 'SELECT COUNT(*) AS n FROM t';
const TOKEN = `SELECT SYSTEM$LAST_CHANGE_COMMIT_TIME('db.s.t') AS token`;

const NAME = 'DB.S.T';
let changes: Changes;
let answers: MetadataAnswers;
let session: Session;
const emulator = vi.fn(() => Promise.resolve(done()));

beforeEach(() => {
  emulator.mockClear();
  changes = new Changes();
  answers = new MetadataAnswers(changes);
  session = Object.assign(new Session(1, 'ada', 'upstream'), { database: 'DB', schema: 'S' });
});

const ask = (sql: string, of = session) => answers.answer(sql, of, emulator);
/** How often the emulator was asked since the last call of this. */
const asked = () => {
  const { length } = emulator.mock.calls;
  emulator.mockClear();
  return length;
};

test('asks the emulator for a count once for each change of the table', async () => {
  for (const _ of [1, 2, 3]) await ask(COUNT);
  expect(asked()).toBe(1);
  changes.note('DB.S.OTHER');
  await ask(COUNT);
  expect(asked()).toBe(0);
  changes.note(NAME);
  for (const _ of [1, 2, 3]) await ask(COUNT);
  expect(asked()).toBe(1);
});

test('asks for a token once, and answers each one as of now after that', async () => {
  const token = async () => (await ask(TOKEN)).data?.['rowset'] as unknown;
  await token();
  expect(asked()).toBe(1);
  expect(await token()).toEqual([[changes.of(NAME)]]);
  const before = changes.of(NAME);
  changes.note(NAME);
  expect(await token()).toEqual([[changes.of(NAME)]]);
  expect(changes.of(NAME)).not.toBe(before);
  expect(asked()).toBe(0);
});

test('a token that does not move hides no row of a count', async () => {
  changes.fault = 'frozen';
  await ask(COUNT);
  changes.note(NAME);
  await ask(COUNT);
  expect(asked()).toBe(2);
});

test('keeps no refusal, and no answer for another schema', async () => {
  emulator.mockResolvedValueOnce({ success: false, code: '002003' });
  await ask(COUNT);
  await ask(COUNT);
  expect(asked()).toBe(2);
  await ask(COUNT, Object.assign(new Session(2, 'ada', 'upstream'), { database: 'DB', schema: 'ELSEWHERE' }));
  expect(asked()).toBe(1);
});

test('forgets all answers after a definition or a transaction, and answers none inside of one', async () => {
  for (const sql of [COUNT, TOKEN]) await ask(sql);
  answers.forget();
  for (const sql of [COUNT, TOKEN]) await ask(sql);
  expect(asked()).toBe(4);
  session.transaction = new Map();
  for (const sql of [COUNT, TOKEN, COUNT, TOKEN]) await ask(sql);
  expect(asked()).toBe(4);
});

test.each([
  'SELECT COUNT(*) AS n FROM t WHERE n = 1',
  'SELECT COUNT(n) AS n FROM t',
  'SELECT COUNT(*) AS n FROM t, t u',
  `SELECT SYSTEM$LAST_CHANGE_COMMIT_TIME('t') AS a, 1 AS b`,
  'SHOW TABLES',
])('leaves other statements to the emulator: %s', async (sql) => {
  for (const _ of [1, 2]) await ask(sql);
  expect(asked()).toBe(2);
});

describeOnTestBed('answers from metadata on the test bed', () => {
  const { bed, connect } = useTestBed();
  let driver: Driver;

  beforeEach(async () => {
    driver = await connect();
    await driver.run('CREATE TABLE t (n NUMBER(38, 0))');
  });

  const count = async () => (await driver.run(COUNT))[0]!['N'] as number;
  const token = async () => (await driver.run(`SELECT SYSTEM$LAST_CHANGE_COMMIT_TIME('t') AS token`))[0]!['TOKEN'];

  test('they show every change, need no warehouse, and are right after DROP and ROLLBACK', async () => {
    const other = await connect();
    expect(await count()).toBe(0);
    for (let i = 1; i <= 3; i++) {
      const before = await token();
      await other.run('INSERT INTO t SELECT ?', [i]);
      expect(await count()).toBe(i);
      expect(await token()).not.toBe(before);
    }
    await driver.run('BEGIN');
    await driver.run('INSERT INTO t SELECT 9');
    expect(await count()).toBe(4);
    await driver.run('ROLLBACK');
    expect(await count()).toBe(3);
    bed().meter.reset();
    bed().proxy.suspension.suspend();
    const { resumes } = bed().proxy.suspension;
    for (let i = 0; i < 5; i++) await Promise.all([count(), token()]);
    expect(bed().meter.report()).toMatchObject({ statements: 10, free: 10, byKind: { metadata: 10 } });
    expect(bed().proxy.suspension.resumes).toBe(resumes);
    await driver.run('DROP TABLE t');
    await expect(count()).rejects.toMatchObject({ code: '002003' });
    await expect(token()).rejects.toMatchObject({ code: '002003' });
  });
});

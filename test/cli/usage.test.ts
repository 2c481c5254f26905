/** Wrong usage, help, and what happens around the verbs: each has its line and its exit code. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { VERSION } from 'fleet-q';
import { EXIT_CODES } from '../../src/cli/exit-codes.js';
import { VERBS } from '../../src/cli/verb-table.js';
import { temporaryPath } from '../support/queues.js';
import { temporaryFolder } from '../support/temp.js';
import { complaintOf, shell } from './support/shell.js';

describe('wrong usage is one line on stderr, and exit code 2:', () => {
  test.each([
    ['fleet-q lst', "unknown command 'lst' (Did you mean list?)"],
    ['fleet-q list --statsu failed', "unknown option '--statsu' (Did you mean --status?)"],
    ['fleet-q list -o tabel', "argument 'tabel' is invalid. Allowed choices are table, json, jsonl, ids."],
    ['fleet-q help lst', "unknown command 'lst' (Did you mean list?)"],
    ['fleet-q lst --help', "unknown command 'lst' (Did you mean list?)"],
    ['fleet-q list --status pending,faild', 'got "faild"; did you mean failed? (OPTION_INVALID)'],
    ['FLEET_Q_API_PORT=tcp://x fleet-q pause', 'FLEET_Q_API_PORT: expected a port from 0 to 65535, got "tcp://x"'],
    ['fleet-q worker m.mjs --concurrency many', "argument 'many' is invalid. Expected a whole number."],
    ['fleet-q list --limit many', "argument 'many' is invalid. Expected a whole number."],
    ['fleet-q list --limit 0', "argument '0' is invalid. Expected a whole number above 0."],
    ['fleet-q list --all --limit 3', '--all cannot be given with --limit'],
    ['fleet-q list --created-after yesterday', "argument 'yesterday' is invalid. Expected an instant"],
    ['fleet-q list --order random', 'Allowed choices are oldest, newest.'],
    ['fleet-q list --after not-a-cursor', '(OPTION_INVALID)'],
    ['fleet-q stats --watch 1ms', '--watch: expected at least 100ms, got 1ms'],
    ['fleet-q stats --watch soon', "argument 'soon' is invalid. Expected a duration"],
    [
      'fleet-q stats --watch 30d',
      "option '-w, --watch [interval]' argument '30d' is invalid. Expected at most 2147483647",
    ],
    [
      'fleet-q probe --timeout 30d',
      "option '--timeout <time>' argument '30d' is invalid. Expected at most 2147483647ms",
    ],
    ['fleet-q stats extra', "too many arguments for 'stats'"],
    ['fleet-q get', "missing required argument 'step-id'"],
    ['fleet-q get - --watch', '--watch needs ids as arguments'],
    ['fleet-q stats --store postgres://x', '--store: expected sqlite:PATH or snowflake, got "postgres://x"'],
    ['fleet-q stats --store sqlite:', '--store: expected sqlite:PATH or snowflake, got "sqlite:"'],
    ['fleet-q stats --store snowflake', '--store snowflake needs FLEET_Q_SNOWFLAKE_ACCOUNT'],
    ['FLEET_Q_CONCURRENCY=many fleet-q stats', 'FLEET_Q_CONCURRENCY: expected a number, got "many"'],
    ['fleet-q recover --dry-run', '--dry-run needs --url'],
    ['fleet-q recover --url http://127.0.0.1:1 --store snowflake', '--store cannot be given with --url'],
    ['fleet-q pause --url localhost', '--url: expected http://HOST:PORT, got "localhost"'],
    ['fleet-q pause --url http://user:secret@localhost', '--url: expected a URL without a password'],
    ['fleet-q ddl --store snowflake', '--database is missing, and FLEET_Q_SNOWFLAKE_DATABASE is not set'],
    ['fleet-q ddl --store mysql', '--store: expected sqlite or snowflake, got "mysql"'],
  ])('%s', async (script, problem) => {
    const path = temporaryPath();
    await shell('fleet-q submit a', { FLEET_Q_SQLITE_PATH: path });
    const ran = await shell(script, { FLEET_Q_SQLITE_PATH: path });
    expect(complaintOf(ran)).toContain(problem);
    expect([ran.code, ran.stdout]).toEqual([2, '']);
    expect(ran.stderr).not.toContain('secret');
  });
});

describe('help', () => {
  test('lists every verb and every exit code', async () => {
    const ran = await shell('fleet-q --help');
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    for (const [verb, { summary }] of Object.entries(VERBS))
      expect(ran.stdout).toMatch(new RegExp(`^  ${verb} +${summary}$`, 'm'));
    for (const [code, meaning] of Object.entries(EXIT_CODES))
      expect(ran.stdout).toContain(`  ${code.padEnd(4)} ${meaning}`);
  });

  test('without a verb, it is an error on stderr', async () => {
    const ran = await shell('fleet-q');
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toContain('Usage: fleet-q <verb>');
  });

  test.each(Object.keys(VERBS))('of %s has a synopsis, examples and its exit codes', async (verb) => {
    const [flag, word] = await Promise.all([shell(`fleet-q ${verb} --help`), shell(`fleet-q help ${verb}`)]);
    expect(flag).toMatchObject({ code: 0, stderr: '' });
    expect(flag.stdout).toMatch(new RegExp(`^Usage: fleet-q ${verb}`));
    expect(flag.stdout).toMatch(new RegExp(`^Examples:\\n  .*fleet-q ${verb}`, 'm'));
    for (const code of VERBS[verb]!.exits) expect(flag.stdout).toContain(`\n  ${String(code).padEnd(4)} `);
    expect(word.stdout).toBe(flag.stdout);
  });

  test('--version prints the version', async () => {
    expect(await shell('fleet-q --version')).toMatchObject({ code: 0, stdout: `${VERSION}\n`, stderr: '' });
  });
});

describe('a store that cannot be opened has exit code 4, and stays as it is:', () => {
  const READING = ['get x', 'list', 'cancel x', 'retry x', 'stats', 'pods', 'leader', 'recover'];

  test.each(READING)('%s on a file that does not exist', async (verb) => {
    const folder = temporaryFolder();
    const ran = await shell(`fleet-q ${verb} --store sqlite:${folder}/typo.db`);
    expect(complaintOf(ran)).toMatch(
      /typo\.db: there is no such file\. Name the store with --store.* \(STORE_ACCESS_DENIED\)$/,
    );
    expect([ran.code, ran.stdout]).toEqual([4, '']);
    expect(existsSync(path.join(folder, 'typo.db'))).toBe(false);
  });

  test('a file that is no database', async () => {
    const file = path.join(temporaryFolder(), 'notes.txt');
    writeFileSync(file, 'hello '.repeat(1_000));
    const ran = await shell(`fleet-q stats --store sqlite:${file}`);
    expect(complaintOf(ran)).toContain('(STORE_NOT_A_DATABASE)');
    expect(ran.code).toBe(4);
    expect(readFileSync(file, 'utf8')).toBe('hello '.repeat(1_000));
  });

  test('doctor reports it as a failure, and exits with 1', async () => {
    const folder = temporaryFolder();
    const ran = await shell(`fleet-q doctor --store sqlite:${folder}/typo.db`);
    expect(ran.stdout).toMatch(/^FAILURE /m);
    expect(ran.code).toBe(1);
    expect(existsSync(path.join(folder, 'typo.db'))).toBe(false);
  });
});

test('a stack is printed with DEBUG only', async () => {
  const script = 'fleet-q stats --store sqlite:/nowhere/q.db';
  const [plain, debug] = await Promise.all([shell(script), shell(`DEBUG=1 ${script}`)]);
  expect(plain.stderr).not.toMatch(/^ +at /m);
  expect(debug.stderr).toMatch(/^ +at /m);
});

describe('ddl', () => {
  test('prints the text for Snowflake, from flags or variables, in upper case', async () => {
    const flags = '--database ops --schema fleet_q --role pods --warehouse work --table-kind permanent';
    const env = 'FLEET_Q_SNOWFLAKE_DATABASE=ops FLEET_Q_SNOWFLAKE_SCHEMA=fleet_q FLEET_Q_SNOWFLAKE_ROLE=pods';
    const [given, named] = await Promise.all([
      shell(`fleet-q ddl --store snowflake ${flags}`),
      shell(`${env} FLEET_Q_SNOWFLAKE_WAREHOUSE=work fleet-q ddl --store snowflake --table-kind permanent`),
    ]);
    expect(given).toMatchObject({ code: 0, stderr: '' });
    expect(given.stdout).toContain('CREATE TABLE IF NOT EXISTS "OPS"."FLEET_Q"."STEP_TRACKER"');
    expect(given.stdout).toContain('TO ROLE "PODS"');
    expect(named.stdout).toBe(given.stdout);
  });

  test('prints the tables of SQLite', async () => {
    const ran = await shell('fleet-q ddl --store sqlite');
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toContain('CREATE TABLE STEP_TRACKER');
  });
});

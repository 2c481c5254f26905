/** The guides match the code: their tables are compared with it in both directions, and their programs compile. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { EVENT_NAMES } from 'fleet-q';
import { snowflake } from 'fleet-q/snowflake';
import { sqlite } from 'fleet-q/sqlite';
import { createLog } from '../../src/log.js';
import { completeOptions, OPTION_TABLE, resolveOptions } from '../../src/options.js';
import { systemRuntime } from '../../src/runtime/runtime.js';
import { complaints, fieldsOf, payloadFields, wordsOf } from './declared.js';
import { blocks, GUIDES, quoted, read, section, table } from './markdown.js';

const COMPILING_MS = 120_000;
const source = fileURLToPath(new URL('../../src/', import.meta.url));

/** All sources in one text. */
const code = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => readFileSync(source + file, 'utf8'))
  .join('\n');

describe('README.md', () => {
  const text = read('README.md');

  test('begins, after two sentences, with the two commands', () => {
    const [intro = '', commands] = text.split('```', 2);
    expect(
      intro
        .replace('# FLEET-Q', '')
        .trim()
        .match(/[.](\s|$)/g),
    ).toHaveLength(2);
    expect(commands).toBe('sh\nnpm ci && npm run demo\nnpm ci && npm test\n');
  });

  test.each(['README.md', 'docs/quick-start.md'])('%s has the quick start letter by letter', (guide) => {
    expect(blocks(read(guide), 'ts')).toContain(read('examples/quick-start.ts'));
  });

  test('links to every guide', () => {
    expect(GUIDES.slice(1).filter((guide) => !text.includes(`(${guide})`))).toEqual([]);
  });
});

/** A program that imports nothing continues the first one of its page. */
test('every program of the guides compiles as it stands', { timeout: COMPILING_MS }, () => {
  const programs = GUIDES.flatMap((guide) => {
    const [first = '', ...others] = blocks(read(guide), 'ts');
    const whole = [first, ...others.map((text) => (text.includes('import ') ? text : `${first}\n${text}`))];
    return whole.map((text, at) => [`${guide.replaceAll('/', '-')}-${at}.ts`, text] as const);
  });
  expect(programs.length).toBeGreaterThan(5);
  expect(Object.entries(complaints(Object.fromEntries(programs))).filter(([, found]) => found.length > 0)).toEqual([]);
});

describe('docs/configuration.md', () => {
  const text = read('docs/configuration.md');
  const rows = table(section(text, '## Options'));

  test('has every option and nothing else, in order', () => {
    expect(rows.map(({ Option }) => quoted(Option)[0])).toEqual(Object.keys(OPTION_TABLE));
  });

  test.each(rows.map((row) => [quoted(row['Option'])[0] as keyof typeof OPTION_TABLE, row] as const))(
    '%s has its meaning, its default and its variable',
    async (option, row) => {
      expect(row['Meaning']).toMatch(/^[A-Z].*[.]$|^.* see \[.*\)[.]$/);
      const { default: value, env } = OPTION_TABLE[option];
      const shown = quoted(row['Default']);
      if (value !== undefined) expect(shown).toEqual([written(value)]);
      const paces = await ofEachStore(option);
      if (paces.length > 0) expect(shown).toEqual(paces.map(written));
      if (env !== undefined) expect(quoted(row['Variable'])).toEqual([env.name]);
    },
  );

  test('the docstrings of the options have the same defaults', async () => {
    for (const option of Object.keys(OPTION_TABLE) as (keyof typeof OPTION_TABLE)[]) {
      const { default: value } = OPTION_TABLE[option];
      const hover = new RegExp(`/\\*\\*((?:(?!\\*/)[^])*)\\*/(?:\\s*//.*)?\\s*readonly ${option}\\?:`).exec(
        read('src/options.ts'),
      )?.[1];
      const paces = await ofEachStore(option);
      const [ofSqlite, ofSnowflake] = paces.map((ms) => Number(ms).toLocaleString('en'));
      if (paces.length > 0) expect(hover).toMatch(`(SQLite ${ofSqlite}, Snowflake ${ofSnowflake})`);
      if (typeof value === 'number') expect(hover).toMatch(new RegExp(`Default ${value.toLocaleString('en')}\\b`));
    }
  });

  test('names each variable only in the row of the option that it sets', () => {
    const named = rows.flatMap((row) => quoted(row['Variable']));
    const inTable = Object.values(OPTION_TABLE).flatMap(({ env }) => (env === undefined ? [] : [env.name]));
    const beside = ['FLEET_Q_SQLITE_PATH', 'FLEET_Q_SNOWFLAKE_ACCOUNT', 'FLEET_Q_LOG_LEVEL', 'FLEET_Q_LOG_FORMAT'];
    expect(named.toSorted()).toEqual([...inTable, ...beside].toSorted());
  });

  test('explains every variable that the code names, and every one of the Python FLEET-Q', () => {
    const inPython = [
      ...['SNOWFLAKE_ACCOUNT', 'SNOWFLAKE_USER', 'SNOWFLAKE_PASSWORD', 'SNOWFLAKE_DATABASE', 'SNOWFLAKE_SCHEMA'],
      ...['SNOWFLAKE_WAREHOUSE', 'SNOWFLAKE_ROLE', 'POD_ID', 'MAX_PARALLELISM', 'CAPACITY_THRESHOLD'],
      ...['HEARTBEAT_INTERVAL_SECONDS', 'CLAIM_INTERVAL_SECONDS', 'RECOVERY_INTERVAL_SECONDS'],
      ...['DEAD_POD_THRESHOLD_SECONDS', 'LEADER_CHECK_INTERVAL_SECONDS', 'API_HOST', 'API_PORT'],
      ...['LOG_LEVEL', 'LOG_FORMAT'],
    ].map((name) => `FLEET_Q_${name}`);
    const inCode = [...code.matchAll(/FLEET_Q_[A-Z_]*[A-Z](?![A-Z_])/g)].map(([name]) => name);
    expect([...new Set([...inPython, ...inCode])].filter((name) => !quoted(text).includes(name))).toEqual([]);
    const fates = section(text, '## Variables of the Python FLEET-Q');
    expect(inPython.filter((name) => !quoted(fates).includes(name))).toEqual([]);
  });

  test('has every option of the SQLite store and nothing else', { timeout: COMPILING_MS }, () => {
    const documented = table(section(text, '## SQLite')).map(({ Option }) => quoted(Option)[0]);
    expect(documented).toEqual(fieldsOf('SqliteOptions', 'fleet-q/sqlite'));
  });

  test('names every logger', () => {
    const parts = new Set([...code.matchAll(/createLog\('(\w+)'/g)].map(([, part = '']) => part));
    parts.delete('test');
    const logs = section(text, '## Logs');
    expect([...parts].filter((part) => !quoted(logs).includes(part))).toEqual([]);
  });
});

/** The defaults of SQLite and Snowflake for an option that depends on the store; none for the others. */
async function ofEachStore(option: keyof typeof OPTION_TABLE): Promise<readonly unknown[]> {
  const environment = { runtime: systemRuntime, log: createLog('test') };
  const factories = [sqlite({ path: ':memory:' }), snowflake({ database: 'D', schema: 'S' })];
  const stores = await Promise.all(factories.map(async (factory) => factory.create(environment)));
  return stores.flatMap(({ rhythm }): unknown[] =>
    option in rhythm ? [Reflect.get(completeOptions(resolveOptions(), rhythm), option)] : [],
  );
}

/** A default as the table writes it. */
function written(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(written).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const fields = Object.entries(value).map(([key, field]) => `${key}: ${written(field)}`);
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}

describe('docs/events.md', () => {
  const text = read('docs/events.md');
  const index = table(section(text, '## Index'));
  const headings = [...text.matchAll(/^### (\w+:\w+)$/gm)].map(([, heading = '']) => heading);
  const partOf = (event: string): string => section(text, `### ${event}`);

  test('has every event and nothing else, in order, in the index and as a section', () => {
    expect(index.map(({ Event }) => quoted(Event)[0])).toEqual(EVENT_NAMES);
    expect(headings).toEqual(EVENT_NAMES);
    for (const { Event = '' } of index) {
      expect(Event).toContain(`(#${quoted(Event)[0]?.replace(':', '').toLowerCase()})`);
    }
  });

  test('says of each who emits it and when, and shows a listener', () => {
    for (const row of index) {
      const event = quoted(row['Event'])[0] ?? '';
      const emitters = row['Emitted by']?.split(', ') ?? [];
      const [, first = ''] = partOf(event).split('\n\n');
      expect(emitters, event).not.toEqual([]);
      for (const emitter of emitters) expect(['caller', 'holder', 'leader', 'pod']).toContain(emitter);
      expect(first, event).toMatch(new RegExp(`^\\*\\*Emitted by\\*\\* \\w+ ${emitters[0]}\\b[^]*[.]$`));
      for (const emitter of emitters) expect(first, event).toContain(emitter);
      expect(row['When'], event).toMatch(/^[A-Z].*[.]$/);
      expect(blocks(partOf(event), 'ts').join(''), event).toContain(`queue.on('${event}', `);
    }
  });

  test('says of each field of a payload what it means, as the types have them', { timeout: COMPILING_MS }, () => {
    const declared = payloadFields(EVENT_NAMES);
    for (const event of EVENT_NAMES) {
      const rows = table(partOf(event));
      expect(rows.flatMap(({ Field }) => quoted(Field)).toSorted(), event).toEqual(declared.get(event)?.toSorted());
      for (const { Meaning } of rows) expect(Meaning, event).toMatch(/\w.*[.]$/);
    }
    expect(declared.get('store:error')).toHaveLength(2);
  });

  test('names every reason that a payload may give', { timeout: COMPILING_MS }, () => {
    const named = (event: string, words: readonly string[]): string[] =>
      words.filter((word) => !quoted(partOf(event)).includes(word));
    expect(named('step:released', [...wordsOf('ReleaseReason'), 'orphaned'])).toEqual([]);
    expect(named('step:submitted', wordsOf('SubmitReceipt'))).toEqual([]);
    expect(named('pod:fenced', wordsOf("PodFenced['reason']"))).toEqual([]);
  });
});

describe('docs/monitoring.md', () => {
  test.each([
    ['## health()', 'Health'],
    ['## stats()', 'QueueStats'],
    ['## pods()', 'PodReport'],
    ['## leader()', 'LeaderReport'],
    ['## listSteps()', 'StepFilter'],
    ['## Fields of a step', 'Step'],
  ])('%s has every field of %s and nothing else', { timeout: COMPILING_MS }, (heading, type) => {
    const rows = table(section(read('docs/monitoring.md'), heading));
    const documented = rows.flatMap((row) => quoted(Object.values(row)[0]));
    expect(documented.toSorted()).toEqual(fieldsOf(type, 'fleet-q').toSorted());
    for (const { Meaning } of rows) expect(Meaning).toMatch(/[.]$/);
  });
});

test('docs/monitoring.md explains every reason of health(), and quotes its sentence', { timeout: COMPILING_MS }, () => {
  const [, reasons = ''] = section(read('docs/monitoring.md'), '## health()').split('These exist:');
  const rows = table(reasons).map((row) => Object.values(row).map((cell) => quoted(cell)[0] ?? ''));
  expect(rows.map(([code]) => code).toSorted()).toEqual(wordsOf('HealthReason').toSorted());
  const inCode =
    read('src/fleet/health.ts')
      .split('function problemsOf')
      .slice(1)
      .join('')
      .match(/[`'](the|no|all) [^`'$]*/g) ?? [];
  const beginnings = new Set(inCode.map((text) => text.slice(1).trimEnd().replace(/:$/, '')));
  expect(new Set(rows.map(([, text]) => text?.split(' …')[0]))).toEqual(beginnings);
});

describe('docs/troubleshooting.md', () => {
  const text = read('docs/troubleshooting.md');
  const headings = [...text.matchAll(/^### (\w+)$/gm)].map(([, heading = '']) => heading);

  test('explains every error code and nothing else', { timeout: COMPILING_MS }, () => {
    expect(headings.toSorted()).toEqual(wordsOf('ErrorCode').toSorted());
  });

  test('says of each what it means and what to do', () => {
    for (const heading of headings) {
      const [, meaning, whatToDo] = section(text, `### ${heading}`).trimEnd().split('\n\n');
      expect(meaning, heading).toMatch(/\w.*[.]$/s);
      expect(whatToDo, heading).toMatch(/^\*\*What to do\.\*\* \w.*[.]$/s);
    }
  });
});

test('docs/guarantees.md names only tests that exist, and every test of a fault', () => {
  const named = quoted(read('docs/guarantees.md')).filter((code) => code.startsWith('test/'));
  for (const path of named) expect(read(path), path).not.toBe('');
  const faults = readdirSync(new URL('../faults', import.meta.url)).filter((file) => file.endsWith('.test.ts'));
  expect(faults.filter((file) => !named.includes(`test/faults/${file}`))).toEqual([]);
});

test('the guides name no path of the machine on which they were written', () => {
  for (const guide of GUIDES) expect(read(guide), guide).not.toMatch(/\/(work|root|home|tmp|Users)\/|localhost:\d/);
});

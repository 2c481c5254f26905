/** The SQL texts: a third party's grammar accepts each of them, and the guide lists each of them. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { snowflakeDdl } from '../../../src/snowflake.js';
import { identifier, literal, namesOf } from '../../../src/store/snowflake/table-names.js';
import { GRANTS, migrations, SCHEMA, TABLE_KINDS } from '../../../src/store/snowflake/schema.js';
import { sessionSettings } from '../../../src/store/snowflake/session/statements.js';
import { statementsOf } from '../../../src/store/snowflake/statements.js';
import { quoted, read, section, table } from '../../docs/markdown.js';
import { environment } from '../../support/fakesnow/environment.js';
import { lint, type Verdicts } from '../../support/fakesnow/lint.js';
import { BED_MS, describeOnTestBed } from '../../support/warehouse/suite.js';

const ODD = { database: 'o"d;d', schema: "it's \\", tablePrefix: '-- ' };

/** Every text, by its path. */
function texts(place = ODD): Record<string, string> {
  const names = namesOf(place);
  const { store, ...rest } = statementsOf(names);
  const all: Record<string, string> = { settings: sessionSettings("a 'tag' \\", 60) };
  for (const [group, statements] of Object.entries({ ...rest, store })) {
    for (const [name, text] of Object.entries(statements as object)) {
      const path = `${group}.${name}`;
      if (typeof text === 'string') all[path] = text;
      else if (Array.isArray(text))
        for (const [i, probe] of text.entries()) all[`${path}.${i}`] = (probe as { text: string }).text;
      else if (name === 'list')
        for (const order of ['oldest', 'newest'])
          all[`${path}.${order}`] = (text as (...args: unknown[]) => string)(order, 10);
      else all[path] = (text as (limit: number) => string)(10);
    }
  }
  for (const kind of TABLE_KINDS)
    for (const [i, statement] of migrations(names, kind).flat().entries()) all[`schema.${kind}.${i}`] = statement;
  const ddl = snowflakeDdl({ ...place, role: 'A "role"', warehouse: 'WH' });
  for (const [i, statement] of ddl
    .split(/;\n/)
    .filter((one) => one.trim() !== '')
    .entries())
    all[`ddl.${i}`] = statement;
  return all;
}

const PLAIN = { database: 'D', schema: 'S', tablePrefix: '' };

/** The columns of the tables, by the names that they have there. */
function columns({ tablePrefix }: typeof ODD) {
  const names = namesOf({ ...PLAIN, tablePrefix: '' });
  const tables = Object.entries(SCHEMA.tables) as [keyof typeof SCHEMA.tables, Readonly<Record<string, string>>][];
  return Object.fromEntries(tables.map(([key, all]) => [tablePrefix + names[key].split('.')[2]!.slice(1, -1), all]));
}

describeOnTestBed('each statement', () => {
  const PROGRAM = `
import json, sys, sqlglot
found = {}
for path, text in json.load(sys.stdin).items():
    try:
        parsed = sqlglot.parse(text, read="snowflake")
        kinds = [type(one).__name__ for one in parsed]
        if len(kinds) != 1 or kinds[0] == "Command": found[path] = f"read as {kinds}"
    except Exception as error:
        found[path] = str(error)[:300]
print(json.dumps(found))
`;

  test("is one statement to sqlglot's Snowflake grammar", { timeout: BED_MS }, async () => {
    const all = { ...texts(), ...prefixed('plain ', texts(PLAIN)) };
    const running = promisify(execFile)(await environment(), ['-c', PROGRAM], { maxBuffer: 1e7 });
    running.child.stdin!.end(JSON.stringify(all));
    const { stdout } = await running;
    expect(Object.keys(all).length).toBeGreaterThan(100);
    expect(JSON.parse(stdout)).toEqual({});
  });

  test('breaks no rule of Snowflake, and changes no row by two source rows', { timeout: BED_MS }, async () => {
    const clean: Verdicts = { breaches: {}, undistinct: {} };
    for (const place of [ODD, PLAIN]) expect(await lint(texts(place), columns(place)), place.schema).toEqual(clean);
  });
});

const prefixed = (prefix: string, all: Record<string, string>) =>
  Object.fromEntries(Object.entries(all).map(([path, text]) => [prefix + path, text]));

describe('the texts', () => {
  const all = texts();

  test('are constant, take at most one bind, and cast as the driver requires', () => {
    for (const [path, text] of Object.entries(all)) {
      expect([...text.matchAll(/\?/g)].length, path).toBeLessThanOrEqual(1);
      expect(text, path).not.toMatch(/\?::/);
      expect(text, path).not.toMatch(/CURRENT_TIMESTAMP|GETDATE|LOCALTIMESTAMP/);
    }
    expect(texts()).toEqual(all);
  });

  test('take a lock only to change rows', () => {
    const locking = Object.entries(all).filter(([, text]) => /^\s*(UPDATE|DELETE|MERGE)\b/.test(text));
    expect(
      locking
        .map(([path]) => path)
        .filter((path) => !path.startsWith('opening.probes'))
        .sort(),
    ).toEqual([
      ...['exchange.exchange', 'exchange.settle', 'housekeeping.dedupe', 'housekeeping.forgetPods'],
      ...['housekeeping.forgetUnregistered', 'housekeeping.pruneArchive', 'housekeeping.pruneHeartbeats'],
      ...['housekeeping.pruneRequests', 'housekeeping.unload', 'steps.cancel', 'steps.refresh', 'steps.retry'],
    ]);
  });

  test('name every column that needs a value in each INSERT', () => {
    const tables = columns(PLAIN);
    const inserts = Object.entries(texts(PLAIN)).filter(([, text]) => /^\s*INSERT\b/.test(text));
    for (const [path, text] of inserts) {
      const [, table, list] = /^\s*INSERT INTO "D"\."S"\."(\w+)" \(([^)]*)\)/.exec(text) ?? [];
      const [named, all] = [list!.split(/,\s*/), tables[table!]!];
      const needed = Object.keys(all).filter(
        (name) => all[name]!.includes('NOT NULL') && !all[name]!.includes('DEFAULT'),
      );
      expect(named, path).toEqual(expect.arrayContaining(needed));
      expect(Object.keys(all), path).toEqual(expect.arrayContaining(named));
    }
    expect(inserts.length).toBeGreaterThanOrEqual(11);
  });

  test.each(TABLE_KINDS)('make %s tables without time travel and without a collation', (kind) => {
    const statements = migrations(namesOf(PLAIN), kind).flat();
    const tables = statements.filter((text) => /^CREATE.* TABLE /.test(text));
    expect(tables).toHaveLength(5);
    const create = kind === 'transient' ? 'CREATE TRANSIENT TABLE IF' : 'CREATE TABLE IF';
    for (const text of tables) {
      expect(text.startsWith(create), text).toBe(true);
      expect(text).toMatch(/\n\) DATA_RETENTION_TIME_IN_DAYS = 0 DEFAULT_DDL_COLLATION = ''$/);
    }
    for (const [at, text] of statements.entries()) {
      const [, table] = /^ALTER TABLE (\S+) ADD COLUMN/.exec(text) ?? [];
      if (table !== undefined) expect(statements[at - 1]).toBe(`ALTER TABLE ${table} SET DEFAULT_DDL_COLLATION = ''`);
    }
  });

  test('refuse a limit that is not a count', () => {
    const { pods } = statementsOf(namesOf(ODD));
    for (const odd of [-1, 1.5, NaN, '1; DROP TABLE x']) expect(() => pods.orphans(odd as number)).toThrow(RangeError);
  });

  test('are listed in the guide, each with an explanation, and nothing else is', () => {
    const listed = table(section(read('docs/snowflake.md'), '## Statements'));
    const { exchange, steps, pods, housekeeping, opening, store } = statementsOf(namesOf(ODD));
    const paths = Object.entries({ exchange, steps, pods, housekeeping, opening, store }).flatMap(
      ([group, statements]) => Object.keys(statements).map((name) => `${group}.${name}`),
    );
    expect(listed.map((row) => quoted(row['Statement'])[0]).toSorted()).toEqual(paths.toSorted());
    for (const row of listed) expect(row['What it does'], row['Statement']).toMatch(/^[A-Z]+.* .*[.]$/);
  });

  test('set what the guide says of a session', () => {
    const documented = section(read('docs/snowflake.md'), '## Statements').split('Each session also starts')[1];
    const set = sessionSettings('x', 60).replaceAll(/'[^']*'/g, '');
    expect(quoted(documented).toSorted()).toEqual(
      ['ALTER SESSION', ...[...set.matchAll(/(\w+) =/g)].map(([, name]) => name!)].toSorted(),
    );
    expect(set.match(/=/g)).toHaveLength(13);
  });

  test('grant what the guide says', () => {
    const listed = table(section(read('docs/snowflake.md'), '## Setting it up'));
    const {
      database: _,
      wholeSchema: __,
      plain: ___,
      ...tables
    } = namesOf({ database: '', schema: '', tablePrefix: '' });
    const names: Record<string, string> = Object.fromEntries(
      Object.entries(tables).map(([key, whole]) => [key, whole.split('.')[2]!.slice(1, -1)]),
    );
    expect(Object.fromEntries(listed.map((row) => [quoted(row['Table'])[0], quoted(row['Privileges'])]))).toEqual(
      Object.fromEntries(Object.entries(GRANTS).map(([key, privileges]) => [names[key], privileges])),
    );
  });
});

describe('names', () => {
  test('are quoted, whatever characters they hold', () => {
    expect(identifier('a"b')).toBe('"a""b"');
    expect(literal("it's \\")).toBe("'it''s \\\\'");
    expect(namesOf(ODD).stepTracker).toBe(`"o""d;d"."it's \\"."-- STEP_TRACKER"`);
  });
});

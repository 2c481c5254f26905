import { expect, test } from 'vitest';
import { migrations } from '../../../../src/store/snowflake/schema.js';
import { sessionSettings } from '../../../../src/store/snowflake/session/statements.js';
import { statementsOf } from '../../../../src/store/snowflake/statements.js';
import { namesOf } from '../../../../src/store/snowflake/table-names.js';
import { registryOf } from './registry.js';

const PLACE = { database: 'DB', schema: 'PUBLIC', tablePrefix: 'Q_' };
const names = namesOf(PLACE);
const { exchange: _exchange, opening, store, ...own } = statementsOf(names);
const find = registryOf(PLACE);

/** Every text of these statements; of those with a count, one with the count 7. */
const textsOf = (statements: object): string[] =>
  Object.values(statements).flatMap((one: unknown) => {
    if (typeof one !== 'function') return typeof one === 'string' ? [one] : [];
    return one === own.steps.list ? [one('oldest', 7), one('newest', 7)] : [(one as (count: number) => string)(7)];
  });

test('knows every text of the store', () => {
  const opened = [
    ...textsOf(opening),
    ...opening.probes.map(({ text }) => text),
    ...opening.kinds.map(({ text }) => text),
  ];
  const texts = [...Object.values(own).flatMap(textsOf), ...textsOf(store), ...opened];
  expect(texts.length).toBeGreaterThan(45);
  for (const kind of ['transient', 'permanent'] as const) texts.push(...migrations(names, kind).flat());
  for (const text of texts) expect(find(text).name).not.toBe('');
});

test('reads the count of a text that has one', () => {
  expect(find(own.steps.list('newest', 100)).name).toBe('steps.list.newest');
  expect(find(own.housekeeping.archive(10_000))).toMatchObject({ kind: 'insert', table: 'stepArchive' });
});

test('knows the settings of a session, whatever its tag and its time-out', () => {
  for (const [tag, seconds] of [
    ['fleet-q', 60],
    [`it's "me"`, 7],
  ] as const) {
    expect(find(sessionSettings(tag, seconds)).name).toBe('session.settings');
  }
});

test('refuses a text that no pod sends, and shows its first line', () => {
  expect(() => find('SELECT 1\nFROM t')).toThrow('a statement without a model: SELECT 1');
  expect(() => find(own.steps.list('newest', 100).replace('100', 'many'))).toThrow('without a model: WITH q AS (');
});

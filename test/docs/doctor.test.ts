/** docs/doctor.md has every check of a diagnosis and nothing else, in the order of the code. */
import { describe, expect, test } from 'vitest';
import { QUEUE_CHECKS } from '../../src/diagnosis/queue-checks.js';
import { ACCOUNT_CHECKS, LOGIN_CHECKS } from '../../src/store/snowflake/diagnosis/diagnose-account.js';
import { DATABASE_CHECKS } from '../../src/store/sqlite/diagnosis/database-checks.js';
import { OPENING_CHECKS } from '../../src/store/sqlite/diagnosis/diagnose-file.js';
import { PLACE_CHECKS } from '../../src/store/sqlite/diagnosis/place-checks.js';
import { quoted, read, section, table } from './markdown.js';

const text = read('docs/doctor.md');
const names = (checks: readonly { readonly check: string }[]): string[] => checks.map(({ check }) => check);
const parts = {
  '## Every store': ['store', ...names(QUEUE_CHECKS)],
  '## On SQLite': names([...OPENING_CHECKS, ...PLACE_CHECKS, ...DATABASE_CHECKS]),
  '## On Snowflake': names([...LOGIN_CHECKS, ...ACCOUNT_CHECKS]),
};

describe.each(Object.entries(parts))('%s', (heading, checks) => {
  const rows = table(section(text, heading));

  test('has every check and nothing else, in order', () => {
    expect(rows.map(({ Check }) => quoted(Check)[0])).toEqual(checks);
  });

  test('says of each what it looks at, and when it is not ok', () => {
    for (const row of rows) {
      expect(row['Looks at'], row['Check']).toMatch(/\.$/);
      expect(row['Not `ok` if'], row['Check']).toMatch(/^(Never|(Warning|Failure): .+)\.$/);
    }
  });
});

test('no store names a check as the queue does', () => {
  const own = new Set(parts['## Every store']);
  expect([...parts['## On SQLite'], ...parts['## On Snowflake']].filter((check) => own.has(check))).toEqual([]);
  for (const checks of Object.values(parts)) expect(new Set(checks).size).toBe(checks.length);
});

/** How the account is named, and what is said about a bad value. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ValidationError } from '../../src/errors.js';
import { temporaryFolder } from '../support/temp.js';
import { targetFrom, WHAT_TO_SET } from './variables.js';

const ENOUGH = { ACCOUNT: 'ACME-EU', USER: 'FLEET_Q', PAT: 'secret-token', WAREHOUSE: 'WH', DATABASE: 'ops' };
const read = (values: Readonly<Record<string, string>>) =>
  targetFrom(Object.fromEntries(Object.entries(values).map(([name, value]) => [`FLEET_Q_LIVE_${name}`, value])));

test('is undefined if no variable is set', () => {
  expect(read({})).toBeUndefined();
  expect(read({ ACCOUNT: '' })).toBeUndefined();
  expect(targetFrom({ FLEET_Q_SNOWFLAKE_ACCOUNT: 'acme' })).toBeUndefined();
});

test.each([
  [{ PAT: 'secret-token' }, { authenticator: 'PROGRAMMATIC_ACCESS_TOKEN', token: 'secret-token' }],
  [{ OAUTH_TOKEN: 'secret-token' }, { authenticator: 'OAUTH', token: 'secret-token' }],
  [{ PASSWORD: 'secret-word' }, { password: 'secret-word' }],
])('signs in with %o', (way, expected) => {
  const { PAT: _, ...rest } = ENOUGH;
  expect(read({ ...rest, ...way })).toEqual({
    connection: { account: 'ACME-EU', username: 'FLEET_Q', warehouse: 'WH', ...expected },
    ...{ database: 'OPS', maxCredits: 2, maxMinutes: 60 },
  });
});

test('signs in with the file of a private key', () => {
  const file = join(temporaryFolder(), 'key.p8');
  writeFileSync(file, 'the key');
  const { PAT: _, ...rest } = ENOUGH;
  const target = read({ ...rest, PRIVATE_KEY_PATH: file, PRIVATE_KEY_PASS: 'secret-pass', ROLE: 'POD' });
  const key = { authenticator: 'SNOWFLAKE_JWT', privateKeyPath: file, privateKeyPass: 'secret-pass' };
  expect(target?.connection).toMatchObject({ ...key, role: 'POD' });
});

test('takes the connection from an entry of connections.toml', () => {
  const target = read({ CONNECTION: 'live', DATABASE: 'ops', MAX_CREDITS: '0.5', MAX_MINUTES: '10' });
  const budget = { maxCredits: 0.5, maxMinutes: 10 };
  expect(target).toEqual({ connection: undefined, connectionName: 'live', database: 'OPS', ...budget });
});

test.each([
  [{ ACCOUNT: '' }, 'FLEET_Q_LIVE_ACCOUNT', 'is missing'],
  [{ USER: '' }, 'FLEET_Q_LIVE_USER', 'is missing'],
  [{ WAREHOUSE: '' }, 'FLEET_Q_LIVE_WAREHOUSE', 'is missing'],
  [{ DATABASE: '' }, 'FLEET_Q_LIVE_DATABASE', 'is missing'],
  [{ DATABASE: 'a\nb' }, 'FLEET_Q_LIVE_DATABASE', 'got "a\\nb"'],
  [{ PAT: '' }, 'FLEET_Q_LIVE_PRIVATE_KEY_PATH', 'is missing: set it, or one of FLEET_Q_LIVE_PAT'],
  [{ PASSWORD: 'secret-word' }, 'FLEET_Q_LIVE_PASSWORD', 'cannot be given together with FLEET_Q_LIVE_PAT'],
  [{ PRIVATE_KEY_PASS: 'secret-pass' }, 'FLEET_Q_LIVE_PRIVATE_KEY_PASS', 'needs FLEET_Q_LIVE_PRIVATE_KEY_PATH'],
  [{ PAT: '', PRIVATE_KEY_PATH: '/no/such.p8' }, 'FLEET_Q_LIVE_PRIVATE_KEY_PATH', 'got "/no/such.p8" (ENOENT)'],
  [{ ACCESS_URL: 'nowhere' }, 'FLEET_Q_LIVE_ACCESS_URL', 'expected a URL, got "nowhere"'],
  [{ MAX_CREDITS: 'much' }, 'FLEET_Q_LIVE_MAX_CREDITS', 'a number above 0, at most 100, got "much"'],
  [{ MAX_CREDITS: '0' }, 'FLEET_Q_LIVE_MAX_CREDITS', 'got "0"'],
  [{ MAX_CREDITS: '1e3' }, 'FLEET_Q_LIVE_MAX_CREDITS', 'got "1e3"'],
  [{ MAX_MINUTES: '-5' }, 'FLEET_Q_LIVE_MAX_MINUTES', 'got "-5"'],
  [{ MAX_MINUTES: '9999' }, 'FLEET_Q_LIVE_MAX_MINUTES', 'at most 1440, got "9999"'],
  [{ CONNECTION: 'live' }, 'FLEET_Q_LIVE_ACCOUNT', 'cannot be given together with FLEET_Q_LIVE_CONNECTION'],
  [{ MAX_CREDIT: '1' }, 'FLEET_Q_LIVE_MAX_CREDIT', 'did you mean FLEET_Q_LIVE_MAX_CREDITS?'],
  [{ SOMETHING: '1' }, 'FLEET_Q_LIVE_SOMETHING', 'is not a variable of this check'],
])('refuses %o, and names %s', (over, field, problem) => {
  const thrown = errorOf(() => read({ ...ENOUGH, ...over }));
  expect(thrown).toBeInstanceOf(ValidationError);
  expect(thrown).toMatchObject({ code: 'OPTION_INVALID', field });
  expect((thrown as Error).message).toContain(problem);
  expect((thrown as Error).message).not.toContain('secret');
});

test('says what to set, with every variable and the grants', () => {
  for (const name of [
    'ACCOUNT',
    'USER',
    'WAREHOUSE',
    'DATABASE',
    'ROLE',
    'PRIVATE_KEY_PATH',
    'PRIVATE_KEY_PASS',
    'PAT',
  ]) {
    expect(WHAT_TO_SET).toContain(`FLEET_Q_LIVE_${name}`);
  }
  for (const name of ['OAUTH_TOKEN', 'PASSWORD', 'CONNECTION', 'MAX_CREDITS', 'MAX_MINUTES']) {
    expect(WHAT_TO_SET).toContain(`FLEET_Q_LIVE_${name}`);
  }
  expect(WHAT_TO_SET).toContain('CREATE SCHEMA ON DATABASE');
});

function errorOf(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

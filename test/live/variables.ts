/**
 * Reads the `FLEET_Q_LIVE_*` variables: which account is checked, how to sign in, and what it may cost.
 *
 * Invariants:
 * - A bad value is a `ValidationError` that names the variable and shows the value. A secret is never shown.
 * - An unknown `FLEET_Q_LIVE_*` variable is refused, because a misspelled budget would not hold.
 */
import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'snowflake-sdk';
import { nearest, show, ValidationError } from '../../src/errors.js';

/** What is checked, and within which budget. */
export interface Target {
  /** The driver's options; `undefined` if the driver reads them from its `connections.toml`. */
  readonly connection: ConnectionOptions | undefined;
  /** The entry of `connections.toml`. */
  readonly connectionName?: string;
  /** In which the schema is created. */
  readonly database: string;
  readonly maxCredits: number;
  readonly maxMinutes: number;
}

const PREFIX = 'FLEET_Q_LIVE_';
/** Set for the process that runs the conformance suite; not for users. */
export const CONFORMANCE_VARIABLE = `${PREFIX}CONFORMANCE`;

const DEFAULT_CREDITS = 2;
const DEFAULT_MINUTES = 60;
const MOST_CREDITS = 100;
const MOST_MINUTES = 1_440;

/** The ways to sign in, by their variable. Exactly one is given. */
const SIGN_IN = {
  PRIVATE_KEY_PATH: (path: string) => ({ authenticator: 'SNOWFLAKE_JWT', privateKeyPath: readable(path) }),
  PAT: (token: string) => ({ authenticator: 'PROGRAMMATIC_ACCESS_TOKEN', token }),
  OAUTH_TOKEN: (token: string) => ({ authenticator: 'OAUTH', token }),
  PASSWORD: (password: string) => ({ password }),
} as const;
type SignIn = keyof typeof SIGN_IN;
const WAYS = Object.keys(SIGN_IN) as SignIn[];

/** Variables beside those of the sign-in. With `CONNECTION`, the entry of `connections.toml` has the first group. */
const OF_CONNECTION = ['ACCOUNT', 'USER', 'ROLE', 'WAREHOUSE', 'ACCESS_URL'] as const;
const KNOWN = [
  ...OF_CONNECTION,
  ...WAYS,
  'PRIVATE_KEY_PASS',
  ...['CONNECTION', 'DATABASE', 'MAX_CREDITS', 'MAX_MINUTES', 'CONFORMANCE'],
].map((name) => PREFIX + name);

type Environment = Readonly<Record<string, string | undefined>>;

/** @returns `undefined` if no variable is set. @throws ValidationError `OPTION_INVALID` */
export function targetFrom(env: Environment): Target | undefined {
  const given = Object.keys(env).filter((name) => name.startsWith(PREFIX) && (env[name] ?? '') !== '');
  if (given.length === 0) return undefined;
  for (const name of given) if (!KNOWN.includes(name)) throw unknown(name);
  const read = (name: string): string | undefined => {
    const text = env[PREFIX + name];
    return text === '' ? undefined : text;
  };
  const budget = {
    maxCredits: numberOf('MAX_CREDITS', read('MAX_CREDITS'), DEFAULT_CREDITS, MOST_CREDITS),
    maxMinutes: numberOf('MAX_MINUTES', read('MAX_MINUTES'), DEFAULT_MINUTES, MOST_MINUTES),
  };
  const name = read('CONNECTION');
  const database = stored('DATABASE', required('DATABASE', read));
  if (name === undefined) return { connection: connectionFrom(read), database, ...budget };
  const other = [...OF_CONNECTION, ...WAYS].find((one) => read(one) !== undefined);
  if (other !== undefined) {
    throw invalid(other, `cannot be given together with ${PREFIX}CONNECTION, whose entry of connections.toml has it`);
  }
  return { connection: undefined, connectionName: name, database, ...budget };
}

function connectionFrom(read: (name: string) => string | undefined): ConnectionOptions {
  const ways = WAYS.filter((way) => read(way) !== undefined);
  const [account, username] = [required('ACCOUNT', read), required('USER', read)];
  const [warehouse, role, accessUrl] = [required('WAREHOUSE', read), read('ROLE'), read('ACCESS_URL')];
  const [way, second] = ways;
  if (way === undefined) throw invalid(WAYS[0]!, `is missing: set it, or one of ${names(WAYS.slice(1))}`);
  if (second !== undefined) throw invalid(second, `cannot be given together with ${PREFIX}${way}: set one of them`);
  const pass = read('PRIVATE_KEY_PASS');
  if (pass !== undefined && way !== 'PRIVATE_KEY_PATH') {
    throw invalid('PRIVATE_KEY_PASS', `needs ${PREFIX}PRIVATE_KEY_PATH, which is not set`);
  }
  if (accessUrl !== undefined && !URL.canParse(accessUrl)) {
    throw invalid('ACCESS_URL', `expected a URL, got ${show(accessUrl)}`);
  }
  return {
    ...{ account, username, warehouse },
    ...SIGN_IN[way](read(way)!),
    ...(role !== undefined && { role }),
    ...(pass !== undefined && { privateKeyPass: pass }),
    ...(accessUrl !== undefined && { accessUrl }),
  };
}

function required(name: string, read: (name: string) => string | undefined): string {
  const value = read(name);
  if (value === undefined) throw invalid(name, 'is missing');
  return value;
}

function readable(path: string): string {
  try {
    readFileSync(path);
    return path;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw invalid('PRIVATE_KEY_PATH', `expected a file that can be read, got ${show(path)} (${code ?? 'unreadable'})`);
  }
}

function numberOf(name: string, text: string | undefined, fallback: number, most: number): number {
  if (text === undefined) return fallback;
  const number = Number(text);
  if (/^\d{1,9}(\.\d{1,9})?$/.test(text) && number > 0 && number <= most) return number;
  throw invalid(name, `expected a number above 0, at most ${most}, got ${show(text)}`);
}

/** Snowflake stores a name without special characters in upper case. */
function stored(name: string, text: string): string {
  if (text.length > 255 || /[\p{Cc}\p{Cs}]/u.test(text)) {
    throw invalid(name, `expected 1 to 255 characters without control characters, got ${show(text)}`);
  }
  return /^[A-Za-z_][\w$]*$/.test(text) ? text.toUpperCase() : text;
}

function unknown(name: string): ValidationError {
  const meant = nearest(name, KNOWN.slice(0, -1));
  return new ValidationError(
    'OPTION_INVALID',
    name,
    `is not a variable of this check${meant === undefined ? '' : `; did you mean ${meant}?`}`,
  );
}

const invalid = (name: string, problem: string) => new ValidationError('OPTION_INVALID', PREFIX + name, problem);
const names = (ways: readonly string[]) => ways.map((way) => PREFIX + way).join(', ');

/** What to set, for somebody who has set nothing. */
export const WHAT_TO_SET = `No account is named, so nothing was checked. Set these variables:

  ${PREFIX}ACCOUNT           the account identifier, such as ACME-EU
  ${PREFIX}USER              the user
  ${PREFIX}WAREHOUSE         the warehouse; X-Small is enough
  ${PREFIX}DATABASE          the database; a schema is created in it, and dropped at the end
  ${PREFIX}ROLE              the role (default: that of the user)
and one of these, to sign in:
  ${PREFIX}PRIVATE_KEY_PATH  the file of the private key, with ${PREFIX}PRIVATE_KEY_PASS if it has a passphrase
  ${PREFIX}PAT               a programmatic access token
  ${PREFIX}OAUTH_TOKEN       an OAuth access token
  ${PREFIX}PASSWORD          a password
or, instead of the account, the user, the warehouse, the role and the sign-in:
  ${PREFIX}CONNECTION        the name of an entry of connections.toml
The budget, which is not passed:
  ${PREFIX}MAX_CREDITS       credits (default: ${DEFAULT_CREDITS})
  ${PREFIX}MAX_MINUTES       minutes (default: ${DEFAULT_MINUTES})

The role needs:
  GRANT USAGE ON WAREHOUSE <warehouse> TO ROLE <role>;
  GRANT USAGE, CREATE SCHEMA ON DATABASE <database> TO ROLE <role>;
and, with --alter-warehouse alone, OPERATE and MODIFY on the warehouse.

docs/live-account.md says what is measured, what it costs, and how to read the report.
`;

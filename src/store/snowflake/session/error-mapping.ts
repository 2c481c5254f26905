/** Maps errors of the driver and of the server to a `StoreError`, which says what is wrong and whether it may pass by itself. */
import { StoreError, type ErrorCode } from '../../../errors.js';
import { DriverError, isAltered, isBusy, isRefused, isSessionGone } from './driver-error.js';
import type { SnowflakeConnection } from '../options.js';
import type { Secrets } from './secrets.js';

/** A token that is signed with a key was refused. Snowflake has the same code for a wrong key and for a wrong clock. */
const KEY_REFUSED = '390144';
const WRONG_KEY = 'the key does not fit the user';

interface Fault {
  readonly code: ErrorCode;
  readonly meaning: string;
  readonly test: (error: DriverError) => boolean;
  readonly transient: boolean;
}

const fault = (code: ErrorCode, meaning: string, test: Fault['test'], transient = false): Fault => ({
  code,
  meaning,
  test,
  transient,
});
const login = (meaning: string, ...codes: string[]): Fault => fault('STORE_LOGIN_REFUSED', meaning, coded(...codes));
const coded =
  (...codes: string[]): Fault['test'] =>
  ({ code }) =>
    codes.includes(code);
/** A default of the session does not exist. The server has one code for all of them. */
const noDefault =
  (what: RegExp): Fault['test'] =>
  ({ code, message }) =>
    code === '390201' && what.test(message);

const WRONG_PASSWORD = '390100';
/** A second factor is required, or was refused. Snowflake documents no codes for it, so the message decides. */
function isOfFactors({ code, message }: DriverError): boolean {
  return code === '390197' || (/^39\d{4}$/.test(code) && /multi-?factor|\bMFA\b|Duo Security/i.test(message));
}
function isOfPolicy({ code, message }: DriverError): boolean {
  return code === '390202' || (/^39\d{4}$/.test(code) && /authentication policy/i.test(message));
}

/** The first one whose test passes is taken. */
const FAULTS: readonly Fault[] = [
  fault('STORE_BUSY', 'other statements hold the table', isBusy, true),
  // The login: which part of it was refused.
  login('the role does not exist, or is not granted to this user', '390189', '390186'),
  login(WRONG_KEY, KEY_REFUSED),
  login('the user or the password is wrong', WRONG_PASSWORD),
  fault('STORE_LOGIN_REFUSED', 'the account asks this user for a second factor (MFA)', isOfFactors),
  fault('STORE_LOGIN_REFUSED', 'an authentication policy does not allow this way to sign in', isOfPolicy),
  login('the token is invalid or has expired', '390303', '390318', '394400'),
  login('the network policy does not allow this address', '390422', '390420'),
  login('the user is missing or is not a string', '404003', '404004'),
  login('the password or token is missing or is not a string', '404005', '404006', '404057'),
  login('the key cannot be read', '404026', '404027', '404028'),
  fault('STORE_LOGIN_REFUSED', 'the key cannot be read, or its passphrase does not fit', ({ code }) =>
    code.startsWith('ERR_OSSL'),
  ),
  login(
    'a file that the connection names, such as that of the key, cannot be read',
    ...['ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR'],
  ),
  login('the account is missing or malformed', '404007', '404008', '404045'),
  login(
    'no `connection` is given, and the connections.toml of the driver cannot be read or has no such entry ' +
      '(SNOWFLAKE_HOME, SNOWFLAKE_DEFAULT_CONNECTION_NAME)',
    '404001',
  ),
  fault('STORE_LOGIN_REFUSED', 'the driver does not accept the connection options', ({ code }) =>
    /^(404|405)\d{3}$/.test(code),
  ),
  // After the login.
  fault('STORE_ALTERED', 'a table is not as it was made', isAltered),
  fault('STORE_NO_WAREHOUSE', 'the warehouse does not exist, or its use is not granted', noDefault(/warehouse/i)),
  fault(
    'STORE_ACCESS_DENIED',
    'the schema of the connection does not exist, or its use is not granted',
    noDefault(/schema/i),
  ),
  fault(
    'STORE_ACCESS_DENIED',
    'the database of the connection does not exist, or its use is not granted',
    noDefault(/./),
  ),
  fault('STORE_LOGIN_REFUSED', 'the login was refused', ({ code }) => /^39\d{4}$/.test(code)),
  fault(
    'STORE_NO_WAREHOUSE',
    'the session has no warehouse: name one in the connection, and grant USAGE on it',
    coded('000606'),
  ),
  fault(
    'STORE_NO_WAREHOUSE',
    'the warehouse does not resume',
    ({ message }) => /warehouse .*(cannot be resumed|is suspended)|resource monitor/is.test(message),
    true,
  ),
  fault('STORE_ACCESS_DENIED', 'a privilege is missing', coded('003001')),
  fault('STORE_ACCESS_DENIED', 'an object does not exist, or access to it is not granted', coded('002003', '002043')),
  fault('STORE_REFUSED', 'a value cannot be stored', isRefused),
];
const UNKNOWN = fault('STORE_UNAVAILABLE', 'Snowflake failed', () => true, true);

/** A session that ends under a statement has codes of the login. The next statement logs in anew. */
const SESSION_GONE = fault(
  'STORE_UNAVAILABLE',
  'the session ended before a statement was answered',
  isSessionGone,
  true,
);

/** The error to throw for what a statement threw. A `StoreError` passes as it is. */
export function storeError(thrown: unknown, secrets: Secrets): StoreError {
  if (thrown instanceof StoreError) return thrown;
  const error = thrown instanceof DriverError ? thrown : new DriverError(thrown, secrets);
  return ofFault(isSessionGone(error) ? SESSION_GONE : faultOf(error), error);
}

function ofFault(known: Fault, error: DriverError): StoreError {
  return new StoreError(known.code, `${known.meaning}: ${detailsOf(error)}`, known.transient, { cause: error });
}

const NO_PASSWORDS =
  'Snowflake is ending sign-in by password alone: use a key pair, OAuth, workload identity or a programmatic access token';

export interface LoginContext {
  readonly secrets: Secrets;
  readonly options?: SnowflakeConnection | undefined;
  /** The time of this host, for the message. */
  readonly now: string;
}

/**
 * The error to throw for a failed login. Here, no answer may mean that there is no such account, and a wrong clock looks like a
 * wrong key. How wrong the clock is remains unknown: the driver does not pass on the server's time.
 */
export function loginError(thrown: unknown, { secrets, options = {}, now }: LoginContext): StoreError {
  const error = thrown instanceof DriverError ? thrown : new DriverError(thrown, secrets);
  const { account = '' } = options;
  if (error.code === KEY_REFUSED) {
    const clock = `or the clock of this host (${now}) differs from Snowflake's by more than a minute`;
    return new StoreError('STORE_LOGIN_REFUSED', `${WRONG_KEY}, ${clock}: ${detailsOf(error)}`, false, {
      cause: error,
    });
  }
  if (error.httpStatus === 403 || error.httpStatus === 404) {
    const message = `${account === '' ? 'the connection names no account' : `there is no account ${account}`}: ${detailsOf(error)}`;
    return new StoreError('STORE_LOGIN_REFUSED', message, false, { cause: error });
  }
  if (error.cause === 'ENOTFOUND') {
    const message = `no network, or there is no account ${account}: its name cannot be resolved (${detailsOf(error)})`;
    return new StoreError('STORE_UNAVAILABLE', message, true, { cause: error });
  }
  if (error.cause === 'CERT_NOT_YET_VALID' || error.cause === 'CERT_HAS_EXPIRED') {
    const message = `the server's certificate is not valid by the clock of this host (${now}): ${detailsOf(error)}`;
    return new StoreError('STORE_UNAVAILABLE', message, true, { cause: error });
  }
  // Node's own errors, except those of the network: a key, a token or a file.
  if (error.code === '' || error.code.startsWith('ERR_')) return optionsError(error, secrets);
  if (/^40[12]\d{3}$/.test(error.code)) {
    return new StoreError('STORE_UNAVAILABLE', `Snowflake cannot be reached: ${detailsOf(error)}`, true, {
      cause: error,
    });
  }
  const known = ofFault(faultOf(error), error);
  const isRefused = error.code === WRONG_PASSWORD || isOfFactors(error) || isOfPolicy(error);
  if (!isRefused || !isByPassword(options)) return known;
  return new StoreError(known.code, `${known.message}. ${NO_PASSWORDS}`, known.transient, { cause: error });
}

function isByPassword({ password, authenticator = 'SNOWFLAKE' }: SnowflakeConnection): boolean {
  return password !== undefined && ['SNOWFLAKE', 'USERNAME_PASSWORD_MFA'].includes(authenticator.toUpperCase());
}

/** The error to throw if the driver refuses the options of a connection before it sends anything. */
export function optionsError(thrown: unknown, secrets: Secrets): StoreError {
  const error = thrown instanceof DriverError ? thrown : new DriverError(thrown, secrets);
  const known = faultOf(error);
  if (known !== UNKNOWN) return ofFault(known, error);
  const message = `the driver does not accept the connection options: ${detailsOf(error)}`;
  return new StoreError('STORE_LOGIN_REFUSED', message, false, { cause: error });
}

function faultOf(error: DriverError): Fault {
  return FAULTS.find(({ test }) => test(error)) ?? UNKNOWN;
}

function detailsOf({ message, code, queryId, cause }: DriverError): string {
  const parts = [code, typeof cause === 'string' ? cause : '', queryId === undefined ? '' : `query ${queryId}`].filter(
    (part) => part !== '',
  );
  const line = message.replace(/\s+/g, ' ').slice(0, 300);
  return parts.length === 0 ? line : `${line} (${parts.join(', ')})`;
}

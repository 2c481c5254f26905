/**
 * From what the driver and the server say to our own errors.
 *
 * Law: the server's codes are strings, the driver's own are numbers. An error of the driver is never passed on as a
 * cause: it carries the request, and with it the credentials. What is passed on is its code, its SQL state, the query's id
 * and its message without secrets.
 */
import { asError, StoreError, type ErrorCode } from '../../../errors.js';
import type { Secrets } from './secrets.js';

/** What is kept of an error of the driver. */
export class DriverError extends Error {
  override readonly name = 'DriverError';
  readonly code: string;
  readonly sqlState: string | undefined;
  readonly queryId: string | undefined;
  /** The status of an HTTP reply that was no answer. */
  readonly httpStatus: number | undefined;

  constructor(thrown: unknown, secrets: Secrets) {
    const raw = asError(thrown) as Error & RawFields;
    super(secrets.redact(raw.message));
    this.code = raw.code === undefined ? '' : String(raw.code);
    this.sqlState = raw.sqlState ?? undefined;
    this.queryId = raw.data?.queryId;
    this.httpStatus = raw.response?.statusCode ?? raw.response?.status;
    if (typeof raw.cause === 'object' && raw.cause !== null && 'code' in raw.cause) this.cause = String(raw.cause.code);
    this.stack = `${this.name}: ${this.message}`;
  }
}

interface RawFields {
  readonly code?: string | number;
  readonly sqlState?: string;
  readonly data?: { readonly queryId?: string };
  readonly response?: { readonly statusCode?: number; readonly status?: number };
}

/** The session is no more, whatever `isUp` says. The statement has not been run, or its reply was lost before. */
export function isSessionGone({ code }: DriverError): boolean {
  return ['407001', '407002', '401004', '390104', '390111', '390112', '390114', '390115', '390195'].includes(code);
}

/** Others stand in the way for the moment: the statement has not been run, and may be run again. */
export function isBusy(error: unknown): boolean {
  if (!(error instanceof DriverError)) return false;
  return (
    error.code === '000625' ||
    /number of waiters|lock time-?out|deadlock|has locked table|lock wait/i.test(error.message)
  );
}

/** Something is not there, or the role may not even know of it. */
export function isMissing({ code, message }: DriverError): boolean {
  return ['002003', '002043'].includes(code) || /does not exist or not authorized/i.test(message);
}

/** The tables, or what the role may do with them, are not as they were when the store opened. */
export function concernsTables(error: unknown): boolean {
  return error instanceof DriverError && (isAltered(error) || isMissing(error) || error.code === '003001');
}

/** A table is there, and a column or a type is not as the statement takes it to be. */
export function isAltered({ code, message }: DriverError): boolean {
  return (
    ['000904', '001044'].includes(code) ||
    /invalid identifier|column .*not found|does not have a column/is.test(message)
  );
}

interface Fault {
  readonly test: (error: DriverError) => boolean;
  readonly code: ErrorCode;
  readonly transient: boolean;
  readonly meaning: string;
}

const coded =
  (...codes: string[]) =>
  ({ code }: DriverError): boolean =>
    codes.includes(code);
const said =
  (pattern: RegExp) =>
  ({ message }: DriverError): boolean =>
    pattern.test(message);

const FAULTS: readonly Fault[] = [
  { test: isBusy, code: 'STORE_BUSY', transient: true, meaning: 'others hold the table' },
  // The login, which says which part of it was refused.
  {
    test: coded('390189', '390186'),
    code: 'STORE_LOGIN_REFUSED',
    transient: false,
    meaning: 'the role does not exist, or is not granted to this user',
  },
  { test: coded('390144'), code: 'STORE_LOGIN_REFUSED', transient: false, meaning: 'the key does not fit the user' },
  {
    test: coded('390100'),
    code: 'STORE_LOGIN_REFUSED',
    transient: false,
    meaning: 'the user or the password is wrong',
  },
  {
    test: coded('390303', '390318', '394400'),
    code: 'STORE_LOGIN_REFUSED',
    transient: false,
    meaning: 'the token is invalid or has expired',
  },
  {
    test: coded('390422', '390420'),
    code: 'STORE_LOGIN_REFUSED',
    transient: false,
    meaning: 'the network policy does not allow this address',
  },
  {
    test: coded('404003', '404004'),
    code: 'STORE_LOGIN_REFUSED',
    transient: false,
    meaning: 'the user is missing or no text',
  },
  {
    test: coded('404005', '404006', '404057'),
    code: 'STORE_LOGIN_REFUSED',
    transient: false,
    meaning: 'the password or token is missing or no text',
  },
  {
    test: coded('404026', '404027', '404028'),
    code: 'STORE_LOGIN_REFUSED',
    transient: false,
    meaning: 'the key cannot be read',
  },
  {
    test: coded('ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR'),
    code: 'STORE_LOGIN_REFUSED',
    transient: false,
    meaning: 'a file that the connection names, such as that of the key, cannot be read',
  },
  {
    test: coded('404007', '404008', '404045'),
    code: 'STORE_LOGIN_REFUSED',
    transient: false,
    meaning: 'the account is missing or malformed',
  },
  {
    test: coded('404001'),
    code: 'STORE_LOGIN_REFUSED',
    transient: false,
    meaning:
      'no connection is given, and the connections.toml of the driver cannot be read or has no such entry ' +
      '(SNOWFLAKE_HOME, SNOWFLAKE_DEFAULT_CONNECTION_NAME)',
  },
  {
    test: ({ code }) => /^(404|405)\d{3}$/.test(code),
    code: 'STORE_LOGIN_REFUSED',
    transient: false,
    meaning: 'the driver does not accept the connection options',
  },
  {
    test: isAltered,
    code: 'STORE_ALTERED',
    transient: false,
    meaning: 'a table is not as it was made',
  },
  // What stands behind the login.
  {
    test: (error) => coded('390201')(error) && /warehouse/i.test(error.message),
    code: 'STORE_NO_WAREHOUSE',
    transient: false,
    meaning: 'the warehouse does not exist, or its use is not granted',
  },
  {
    test: (error) => coded('390201')(error) && /schema/i.test(error.message),
    code: 'STORE_ACCESS_DENIED',
    transient: false,
    meaning: 'the schema of the connection does not exist, or its use is not granted',
  },
  {
    test: coded('390201'),
    code: 'STORE_ACCESS_DENIED',
    transient: false,
    meaning: 'the database of the connection does not exist, or its use is not granted',
  },
  {
    test: ({ code }) => /^39\d{4}$/.test(code),
    code: 'STORE_LOGIN_REFUSED',
    transient: false,
    meaning: 'the login was refused',
  },
  {
    test: coded('000606'),
    code: 'STORE_NO_WAREHOUSE',
    transient: false,
    meaning: 'the session has no warehouse: name one in the connection, and grant USAGE on it',
  },
  {
    test: said(/warehouse .*(cannot be resumed|is suspended|resource monitor)|resource monitor/is),
    code: 'STORE_NO_WAREHOUSE',
    transient: true,
    meaning: 'the warehouse does not resume',
  },
  { test: coded('003001'), code: 'STORE_ACCESS_DENIED', transient: false, meaning: 'a privilege is missing' },
  {
    test: coded('002003', '002043'),
    code: 'STORE_ACCESS_DENIED',
    transient: false,
    meaning: 'something is not there, or not granted',
  },
  // Values, then all that may pass.
  {
    test: ({ sqlState = '', code }) =>
      sqlState.startsWith('22') || ['409008', '001795', '100078', '100038', '100069', '100082'].includes(code),
    code: 'STORE_REFUSED',
    transient: false,
    meaning: 'a value cannot be stored',
  },
  {
    test: ({ httpStatus }) => httpStatus === 413,
    code: 'STORE_REFUSED',
    transient: false,
    meaning: 'the request is too large',
  },
];

/** The error to throw for what was thrown; errors of ours pass as they are. */
export function storeError(thrown: unknown, secrets: Secrets): StoreError {
  if (thrown instanceof StoreError) return thrown;
  const error = thrown instanceof DriverError ? thrown : new DriverError(thrown, secrets);
  const fault = FAULTS.find(({ test }) => test(error)) ?? {
    code: 'STORE_UNAVAILABLE',
    transient: true,
    meaning: 'Snowflake failed',
  };
  return new StoreError(fault.code, `${fault.meaning}: ${told(error)}`, fault.transient, { cause: error });
}

/**
 * The same of a login, where no answer at all may mean that there is no such account.
 */
export function loginError(thrown: unknown, secrets: Secrets, account: string): StoreError {
  const error = thrown instanceof DriverError ? thrown : new DriverError(thrown, secrets);
  if (error.httpStatus === 403 || error.httpStatus === 404) {
    const message = `there is no account ${account}: ${told(error)}`;
    return new StoreError('STORE_LOGIN_REFUSED', message, false, { cause: error });
  }
  if (error.cause === 'ENOTFOUND') {
    const message = `no network, or there is no account ${account}: its name cannot be resolved (${told(error)})`;
    return new StoreError('STORE_UNAVAILABLE', message, true, { cause: error });
  }
  if (error.code === '') return optionsError(error, secrets);
  if (/^40[12]\d{3}$/.test(error.code)) {
    return new StoreError('STORE_UNAVAILABLE', `Snowflake cannot be reached: ${told(error)}`, true, { cause: error });
  }
  return storeError(error, secrets);
}

/** What the driver says to the options of a connection, before it has asked anybody. */
export function optionsError(thrown: unknown, secrets: Secrets): StoreError {
  const error = thrown instanceof DriverError ? thrown : new DriverError(thrown, secrets);
  if (FAULTS.some(({ test }) => test(error))) return storeError(error, secrets);
  const message = `the driver does not accept the connection options: ${told(error)}`;
  return new StoreError('STORE_LOGIN_REFUSED', message, false, { cause: error });
}

function told({ message, code, queryId, cause }: DriverError): string {
  const parts = [code, typeof cause === 'string' ? cause : '', queryId === undefined ? '' : `query ${queryId}`].filter(
    (part) => part !== '',
  );
  const line = message.replace(/\s+/g, ' ').slice(0, 300);
  return parts.length === 0 ? line : `${line} (${parts.join(', ')})`;
}

export function storeClosed(): StoreError {
  return new StoreError('STORE_CLOSED', 'the store has been closed', false);
}

/**
 * An error of the driver or of the server, and what kind of error it is.
 *
 * Invariants:
 * - Codes are text here. The server's codes are strings, the driver's own are numbers.
 * - An error of the driver is never passed on as a cause, because it carries the request and with it the credentials. Its code,
 *   its SQL state, the query's id and its redacted message are kept.
 */
import { asError } from '../../../errors.js';
import type { Secrets } from './secrets.js';

export class DriverError extends Error {
  override readonly name = 'DriverError';
  readonly code: string;
  readonly sqlState: string | undefined;
  readonly queryId: string | undefined;
  /** The HTTP status, if the reply was not an answer of Snowflake. */
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

/** The server has ended the session, whatever `isUp` says. The statement was not run, or its reply was lost before. */
export function isSessionGone({ code }: DriverError): boolean {
  return ['407001', '407002', '401004', '390104', '390111', '390112', '390114', '390115', '390195'].includes(code);
}

/** Another statement holds the lock. This one was not run, and may be sent again. */
export function isBusy(error: unknown): boolean {
  if (!(error instanceof DriverError)) return false;
  return (
    error.code === '000625' ||
    /number of waiters|lock time-?out|deadlock|has locked table|lock wait/i.test(error.message)
  );
}

/** An object does not exist, or the role may not see it. */
export function isMissing({ code, message }: DriverError): boolean {
  return ['002003', '002043'].includes(code) || /does not exist or not authorized/i.test(message);
}

/** For `catch`: where an object is missing there are no rows. @throws every other error */
export function noneIfMissing(error: unknown): never[] {
  if (error instanceof DriverError && isMissing(error)) return [];
  throw error;
}

/** The object exists already: another pod made it after `IF NOT EXISTS` was checked. */
export function isThereAlready({ code }: DriverError): boolean {
  return ['002002', '001430'].includes(code);
}

/** The tables, or the grants on them, have changed since the store opened. */
export function concernsTables(error: unknown): boolean {
  return error instanceof DriverError && (isAltered(error) || isMissing(error) || error.code === '003001');
}

/** A table exists, but a column or its type is not what the statement expects. */
export function isAltered({ code, message }: DriverError): boolean {
  return (
    ['000904', '001044'].includes(code) ||
    /invalid identifier|column .*not found|does not have a column/is.test(message)
  );
}

const VALUES = ['409008', '001795'];
/** Two source rows for one target row. This is no error of a value. */
const NONDETERMINISTIC = '100090';

/** Snowflake cannot hold a value that was sent: its errors of data, and the driver's errors of a bind. */
export function isRefused(error: unknown): boolean {
  if (!(error instanceof DriverError)) return false;
  const { code, httpStatus } = error;
  return (/^100\d{3}$/.test(code) && code !== NONDETERMINISTIC) || VALUES.includes(code) || httpStatus === 413;
}

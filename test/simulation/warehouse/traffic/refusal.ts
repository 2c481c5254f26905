/**
 * The errors of the modelled server, and those that the driver makes of them or raises itself: codes, SQL states and texts as
 * Snowflake and snowflake-sdk have them.
 *
 * Invariant: codes of the server are texts, the driver's own are numbers.
 */

/** What the server answers instead of rows. */
export interface Refusal {
  readonly code: string;
  readonly sqlState?: string;
  readonly message: string;
}

const refusal = (code: string, sqlState: string, message: string): Refusal => ({ code, sqlState, message });

export const refusals = {
  tooManyWaiters: (table: string, limit: number): Refusal =>
    refusal(
      '000625',
      '57014',
      `Statement has locked table '${table}' in transaction and this lock has not yet been released.\n` +
        `Your statement was aborted because the number of waiters for this lock exceeds the ${limit} statements limit.`,
    ),
  lockTimeout: (table: string): Refusal =>
    refusal(
      '000625',
      '57014',
      `Statement has locked table '${table}' in transaction and this lock has not yet been released.\n` +
        'Your statement was aborted because it waited for this lock longer than LOCK_TIMEOUT.',
    ),
  statementTimeout: (seconds: number): Refusal =>
    refusal(
      '000630',
      '57014',
      `Statement reached its statement or warehouse timeout of ${seconds} second(s) and was canceled.`,
    ),
  cancelled: refusal('000604', '57014', 'SQL execution canceled'),
  internalError: refusal(
    '000603',
    'XX000',
    'SQL execution internal error:\nProcessing aborted by error 300010:391167117; incident 4283571.',
  ),
  badValue: refusal('100038', '22018', "Numeric value 'many' is not recognized"),
  sessionGone: { code: '390111', message: 'Session no longer exists. New login required to access the service.' },
  tokenInvalid: { code: '390104', message: 'User must login again to access the service.' },
  masterExpired: {
    code: '390114',
    message: 'Authentication token has expired. The user must authenticate again.',
  },
} as const;

/** What becomes of a connection by an error. */
export interface DriverFailure {
  readonly error: Error;
  /** `isUp()` is false from then on. */
  readonly ends: boolean;
}

/** The driver's error for a refusal of the server. */
export function failureOf({ code, sqlState, message }: Refusal, queryId: string): DriverFailure {
  if (code === refusals.sessionGone.code) return { error: terminated(), ends: true };
  // The driver takes an HTTP status of 401 for a failed request, and its connection for a sound one.
  if (code === refusals.tokenInvalid.code)
    return {
      error: named('RequestFailedError', 401_004, 'Request to Snowflake failed.  Invalid token', {
        response: { statusCode: 401, status: 401 },
      }),
      ends: false,
    };
  const ends = code === refusals.masterExpired.code;
  return { error: named('OperationFailedError', code, message, { sqlState, data: { queryId } }), ends };
}

/** Of a statement on a connection that has ended. */
export function terminated(): Error {
  const message = 'Unable to perform operation using terminated connection.';
  return named('ClientError', 407_002, message, { sqlState: '08003' });
}

/**
 * A request that was not answered. The driver would repeat it after a pause, and the store ends that repetition: so the cause has
 * the code of a cancelled request, and the store sends it again.
 */
export function unanswered(): Error {
  return network('the connection was closed', 'ERR_CANCELED');
}

/** A login that did not reach the server. */
export function unreachable(): Error {
  return network('connect ECONNREFUSED', 'ECONNREFUSED');
}

/** The driver takes over the message of the cause. */
function network(message: string, code: string): Error {
  return named('NetworkError', 401_001, message, { cause: Object.assign(new Error(message), { code }) });
}

function named(name: string, code: string | number, message: string, fields: object): Error {
  return Object.assign(new Error(message), { name, code, ...fields });
}

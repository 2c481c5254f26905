/** Snowflake's replies, in the shapes that its driver reads. */

/** The body of every reply. */
export interface Reply {
  readonly success: boolean;
  readonly code?: string | null;
  readonly message?: string | null;
  readonly data?: Readonly<Record<string, any>> | null;
}

/** The reply that something was done, and what came of it. */
export function done(data: Reply['data'] = null): Reply {
  return { success: true, code: null, message: null, data };
}

/** An error of Snowflake: a code that is text, a SQLSTATE if there is one, and mostly HTTP 200. */
export class Refusal extends Error {
  override readonly name = 'Refusal';

  constructor(
    readonly code: string,
    readonly sqlState: string | undefined,
    message: string,
    readonly status = 200,
  ) {
    super(message);
  }

  reply(queryId?: string): Reply {
    const { code, sqlState, message } = this;
    const id = queryId === undefined ? {} : { queryId };
    return { success: false, code, message, data: { errorCode: code, ...(sqlState && { sqlState }), ...id } };
  }
}

/** Codes and texts of Snowflake. A comment marks those without a primary source. */
export const refusals = {
  wrongCredentials: () => new Refusal('390100', '08001', 'Incorrect username or password was specified.'),
  secondFactor: () =>
    new Refusal(
      '390197',
      '08001',
      'Multi-factor authentication is required for this account. Log in to Snowsight to enroll.',
    ),
  policyForbids: () =>
    new Refusal('390202', '08001', 'Authentication attempt rejected by the current authentication policy.'),
  wrongKey: () => new Refusal('390144', '08001', 'JWT token is invalid.'),
  wrongOauthToken: () => new Refusal('390303', '08001', 'Invalid OAuth access token.'),
  /** The code of any other refused login. No closer one is documented. */
  wrongIdentity: () => new Refusal('390100', '08001', 'Workload identity is not that of a user.'),
  wrongAccessToken: () => new Refusal('394400', '08001', 'Programmatic access token is invalid.'),
  wrongRole: (role: string) =>
    new Refusal(
      '390189',
      '08001',
      `Role '${role}' specified in the connect string does not exist or not authorized. ` +
        'Contact your local system administrator, or attempt to login with another role, e.g. PUBLIC.',
    ),
  wrongDefault: (what: 'warehouse' | 'database' | 'schema') =>
    new Refusal('390201', '08004', `The requested ${what} does not exist or not authorized.`),

  sessionExpired: () => new Refusal('390112', undefined, 'Your session has expired. Please login again.'),
  sessionGone: () =>
    new Refusal('390111', undefined, 'Session no longer exists. New login required to access the service.'),
  tokenInvalid: () => new Refusal('390104', undefined, 'User must login again to access the service.', 401),
  masterExpired: () =>
    new Refusal('390114', undefined, 'Authentication token has expired. The user must authenticate again.'),

  noWarehouse: () =>
    new Refusal(
      '000606',
      '57P03',
      "No active warehouse selected in the current session. Select an active warehouse with the 'use warehouse' command.",
    ),
  cannotResume: (warehouse: string) =>
    // The text is widely reported, the code rarely.
    new Refusal(
      '090073',
      '22000',
      `Warehouse '${warehouse}' cannot be resumed because resource monitor 'LIMIT' has exceeded its quota.`,
    ),
  noSuchObject: () =>
    new Refusal('002043', '02000', 'SQL compilation error:\nObject does not exist, or operation cannot be performed.'),
  unknownDatabase: (name: string) =>
    new Refusal('002003', '02000', `SQL compilation error:\nDatabase '${name}' does not exist or not authorized.`),
  unknownTable: (name: string) =>
    new Refusal('002003', '42S02', `SQL compilation error:\nObject '${name}' does not exist or not authorized.`),
  noPrivilege: (kind: 'table' | 'schema' | 'database' | 'warehouse', name: string) =>
    new Refusal(
      '003001',
      '42501',
      `SQL access control error:\nInsufficient privileges to operate on ${kind} '${name}'.`,
    ),
  severalStatements: (count: number, wanted = 1) =>
    new Refusal(
      '000008',
      '0A000',
      `Actual statement count ${count} did not match the desired statement count ${wanted}.`,
    ),
  unreadableInstant: (text: string) => new Refusal('100035', '22007', `Timestamp '${text}' is not recognized`),
  objectExists: (name: string) =>
    new Refusal('002002', '42710', `SQL compilation error:\nObject '${name}' already exists.`),
  columnExists: (column: string) =>
    new Refusal('001430', '42601', `SQL compilation error:\ncolumn '${column}' already exists`),

  tooManyWaiters: (table: string, limit: number) =>
    new Refusal(
      '000625',
      '57014',
      `Statement has locked table '${table}' in transaction and this lock has not yet been released.\n` +
        `Your statement was aborted because the number of waiters for this lock exceeds the ${limit} statements limit.`,
    ),
  // The code of a lock time-out is not documented; the waiters' limit shares its first sentence.
  lockTimeout: (table: string) =>
    new Refusal(
      '000625',
      '57014',
      `Statement has locked table '${table}' in transaction and this lock has not yet been released.\n` +
        'Your statement was aborted because it waited for this lock longer than LOCK_TIMEOUT.',
    ),
  // Neither its code nor its text is documented.
  deadlock: (table: string) =>
    new Refusal('000639', '57014', `Statement was aborted to resolve a deadlock over table '${table}'.`),
  statementTimeout: (seconds: number) =>
    new Refusal(
      '000630',
      '57014',
      `Statement reached its statement or warehouse timeout of ${seconds} second(s) and was canceled.`,
    ),
  cancelled: () => new Refusal('000604', '57014', 'SQL execution canceled'),
};

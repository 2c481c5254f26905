/** What `snowflake(…)` takes, checked once. No error here shows any of a connection: it holds secrets. */
// The driver is an optional dependency. An application without it compiles too: there `ConnectionOptions` is `any`.
// eslint-disable-next-line @typescript-eslint/ban-ts-comment -- `@ts-expect-error` would fail where the driver is installed
/** @ts-ignore */
import type { ConnectionOptions } from 'snowflake-sdk';
import { ValidationError } from '../../errors.js';
import {
  boolean,
  checkFields,
  integer,
  name,
  expecting,
  oneOfWords,
  type FieldCheck,
  type FieldChecks,
} from '../../step/field-checks.js';
import type { Place } from './table-names.js';
import { TABLE_KINDS, type DdlParts, type TableKind } from './schema.js';

/**
 * What the driver's `createConnection` takes, passed on as it is. The store adds only `agentClass` and
 * `sfRetryMaxLoginRetries`, where you leave them out: it ends the driver's requests when it closes, and tries a login
 * again by itself, so the driver retries it only once.
 */
export type SnowflakeConnection = ConnectionOptions;

/** A connection, or a function that is called for each login and returns one: for secrets that rotate. */
export type ConnectionSource = SnowflakeConnection | (() => SnowflakeConnection | Promise<SnowflakeConnection>);

/** What is not acceptable throws a ValidationError, `OPTION_INVALID`, when `snowflake` is called. */
export interface SnowflakeOptions {
  /**
   * The driver's own connection options, or a function that returns them, called for each login. Any way to sign in that
   * the driver has: workload identity, key pair, OAuth, programmatic access token. A password alone is being switched off
   * by Snowflake. Absent: the driver reads its `connections.toml`.
   */
  readonly connection?: ConnectionSource;
  /** The database of the tables, exactly as Snowflake shows it, usually in capitals. It must exist. */
  readonly database: string;
  /** The schema of the tables, exactly as Snowflake shows it. It must exist. */
  readonly schema: string;
  /** In front of the name of each table: up to 200 characters, any but control characters. Default none. */
  readonly tablePrefix?: string;
  /**
   * Whether to create the tables where there are none. `false`: an administrator has run `snowflakeDdl`; a missing table
   * is then a `STORE_ACCESS_DENIED`. Default `true`.
   */
  readonly createTables?: boolean;
  /** The `QUERY_TAG` of every statement, for telling costs apart: 1 to 200 characters, none a control character. Default `fleet-q`. */
  readonly queryTag?: string;
  /**
   * How long the warehouse may take for a statement, waiting for locks included, in ms: from 1,000 to 3,600,000 (an hour).
   * The warehouse counts whole seconds, so for it this is rounded up. Default 60,000.
   */
  readonly statementTimeoutMs?: number;
  /**
   * How late, at most, a session may see what another session has committed, in ms: from 0 to 600,000. What a read does
   * not show is looked for again after that time, before it counts as missing. 0 is right for an account whose
   * `READ_CONSISTENCY_MODE` is `GLOBAL`. The account's default is `SESSION`, for which Snowflake documents no bound.
   * Set it alike on all pods. Peers evict a pod later by as much. Default 10,000.
   */
  readonly staleReadMs?: number;
  /**
   * The kind of the tables. `'permanent'`: Snowflake keeps what was deleted or overwritten for seven days of fail-safe,
   * from which its support may restore it after a disaster, and bills that storage. `'transient'`: no fail-safe. Time
   * travel is off for both.
   *
   * Tables keep the kind that they were made with. If this is left out, existing tables are used whatever their kind;
   * missing tables are made permanent where any existing one is, else transient. If it is given and existing tables are of
   * the other kind, opening rejects with `STORE_TABLE_KIND`. Default: left out.
   */
  readonly tableKind?: TableKind;
}

export interface ResolvedOptions extends Place {
  readonly connection: ConnectionSource | undefined;
  readonly createTables: boolean;
  readonly queryTag: string;
  readonly statementTimeoutMs: number;
  readonly staleReadMs: number;
  readonly tableKind: TableKind | undefined;
}

/** Who may use the tables, for the administrator's text. */
export interface DdlOptions extends Pick<SnowflakeOptions, 'database' | 'schema' | 'tablePrefix'> {
  /** The role of the pods. */
  readonly role: string;
  /** The warehouse of the pods, if the text shall grant its use. */
  readonly warehouse?: string;
  /** The kind of the tables; see {@link SnowflakeOptions.tableKind}. Default `'transient'`. */
  readonly tableKind?: TableKind;
}

const connection: FieldCheck = (value, field, code) => {
  const ok = typeof value === 'function' || (typeof value === 'object' && value !== null && !Array.isArray(value));
  if (!ok)
    throw new ValidationError(code, field, "expected the driver's connection options, or a function that returns them");
};

const tableKind = oneOfWords(...TABLE_KINDS);

const PLACE: FieldChecks = {
  database: name(255),
  schema: name(255),
  tablePrefix: expecting(
    'text of up to 200 characters without control characters',
    (value) => typeof value === 'string' && value.length <= 200 && !/[\p{Cc}\p{Cs}]/u.test(value),
  ),
};

const FIELDS: FieldChecks = {
  connection,
  ...PLACE,
  createTables: boolean,
  queryTag: name(200),
  statementTimeoutMs: integer(1_000, 3_600_000),
  staleReadMs: integer(0, 600_000),
  tableKind,
};

const DDL_FIELDS: FieldChecks = { ...PLACE, role: name(255), warehouse: name(255), tableKind };

/** @throws ValidationError `OPTION_INVALID` */
export function resolveOptions(options: SnowflakeOptions): ResolvedOptions {
  checkFields(options, FIELDS, 'OPTION_INVALID', 'snowflake');
  return Object.freeze({
    ...placeOf(options, 'snowflake'),
    connection: options.connection,
    createTables: options.createTables ?? true,
    queryTag: options.queryTag ?? 'fleet-q',
    statementTimeoutMs: options.statementTimeoutMs ?? 60_000,
    staleReadMs: options.staleReadMs ?? 10_000,
    tableKind: options.tableKind,
  });
}

/** @throws ValidationError `OPTION_INVALID` */
export function resolveDdlOptions(options: DdlOptions): Place & DdlParts {
  checkFields(options, DDL_FIELDS, 'OPTION_INVALID', 'snowflakeDdl');
  const { role, warehouse, tableKind: kind = 'transient' } = options;
  if (role === undefined) throw missing('snowflakeDdl.role');
  const grants = { role, ...(warehouse === undefined ? {} : { warehouse }) };
  return { ...placeOf(options, 'snowflakeDdl'), ...grants, tableKind: kind };
}

function placeOf({ database, schema, tablePrefix }: Partial<Place>, prefix: string): Place {
  if (database === undefined) throw missing(`${prefix}.database`);
  if (schema === undefined) throw missing(`${prefix}.schema`);
  return { database, schema, tablePrefix: tablePrefix ?? '' };
}

function missing(field: string): ValidationError {
  return new ValidationError('OPTION_INVALID', field, 'is missing');
}

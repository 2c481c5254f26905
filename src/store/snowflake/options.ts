/** The options of `snowflake(…)` and `snowflakeDdl(…)`, checked once. No error here shows a connection, because it holds secrets. */
// The driver is an optional dependency. An application without it compiles too: there `ConnectionOptions` is `any`.
// eslint-disable-next-line @typescript-eslint/ban-ts-comment -- `@ts-expect-error` would fail where the driver is installed
/** @ts-ignore */
import type { ConnectionOptions } from 'snowflake-sdk';
import { show, ValidationError } from '../../errors.js';
import {
  boolean,
  checkFields,
  integer,
  name,
  expecting,
  oneOfWords,
  type FieldCheck,
  type FieldChecks,
} from '../../input/field-checks.js';
import type { Combining } from './combining/pacer.js';
import type { SleepRhythm } from '../contract.js';
import type { Place } from './table-names.js';
import { TABLE_KINDS, type DdlGrants, type TableKind } from './schema.js';

/**
 * The options of the driver's `createConnection`, passed on as they are. The store adds only `agentClass` and
 * `sfRetryMaxLoginRetries`, if you leave them out: it ends the driver's requests when it closes, and it repeats a failed login
 * itself, so the driver repeats it only once.
 */
export type SnowflakeConnection = ConnectionOptions;

/** A connection, or a function that returns one and is called for each login, so that secrets can rotate. */
export type ConnectionSource = SnowflakeConnection | (() => SnowflakeConnection | Promise<SnowflakeConnection>);

/** The options of the Snowflake store. If one is invalid, `snowflake` throws a `ValidationError` (`OPTION_INVALID`). */
export interface SnowflakeOptions {
  /**
   * The driver's own connection options, or a function that returns them and is called for each login. Every way to sign in
   * that the driver has works: workload identity, key pair, OAuth, programmatic access token. Snowflake is ending sign-in by
   * password alone. Default: the driver reads its `connections.toml`.
   */
  readonly connection?: ConnectionSource;
  /** The database of the tables, exactly as Snowflake shows it, usually in capitals. It must exist. */
  readonly database: string;
  /** The schema of the tables, exactly as Snowflake shows it. It must exist. */
  readonly schema: string;
  /** The prefix of the name of each table: up to 200 characters, no control characters. Default: none. */
  readonly tablePrefix?: string;
  /**
   * Whether to create missing tables. With `false`, an administrator has run the text of `snowflakeDdl`, and a missing table is
   * an error (`STORE_ACCESS_DENIED`). Default: `true`.
   */
  readonly createTables?: boolean;
  /** The `QUERY_TAG` of every statement, to find its cost: 1 to 200 characters, no control characters. Default: `fleet-q`. */
  readonly queryTag?: string;
  /**
   * How long the warehouse may take for a statement, including the wait for locks, in ms: 1,000 to 3,600,000 (an hour). The
   * warehouse counts whole seconds, so the value is rounded up for it. Default: 60,000.
   */
  readonly statementTimeoutMs?: number;
  /**
   * How late a session may see what another session has committed, in ms: 0 to 600,000. A row that a read does not show counts
   * as missing only if it is still missing after that time. Set 0 if the account's `READ_CONSISTENCY_MODE` is `GLOBAL`. The
   * default of an account is `SESSION`, for which Snowflake documents no limit. Use the same value on all pods. Peers evict a
   * dead pod later by this time. Default: 10,000.
   */
  readonly staleReadMs?: number;
  /**
   * How many statements the warehouse runs at a time: its `MAX_CONCURRENCY_LEVEL`, 1 to 1,000. The pods together use half of them
   * for exchanges. Use the same value on all pods. At twice the right value the fleet still works; at four
   * times, the warehouse is saturated. Before you raise it, see "How many pods" in the guide. Default: 8.
   */
  readonly statementSlots?: number;
  /**
   * Whether a pod without work sleeps, so that the warehouse can suspend, and how. `false` keeps the pods, and so the warehouse,
   * awake. Default: `true`, with the defaults of {@link SleepOptions}.
   */
  readonly sleep?: boolean | SleepOptions;
  /**
   * The kind of the tables. With `'permanent'`, Snowflake keeps deleted and overwritten data for seven days of fail-safe, from
   * which its support may restore it after a disaster, and bills that storage. With `'transient'` there is no fail-safe. Time
   * travel is off for both.
   *
   * A table keeps the kind that it was created with. Without this option, existing tables of any kind are used, and missing
   * tables are created as permanent if an existing one is permanent, else as transient. With it, opening rejects with
   * `STORE_TABLE_KIND` if existing tables are of the other kind. Default: none.
   */
  readonly tableKind?: TableKind;
}

/** How a pod without work sleeps. */
export interface SleepOptions {
  /**
   * How far apart the two looks must be that find nothing to do, in ms: `staleReadMs` + 1 to 600,000. A session must not see a
   * commit later than that. Default: 30,000, or three times `staleReadMs` if that is longer.
   */
  readonly quietForMs?: number;
  /**
   * How often a pod that sleeps asks whether something has changed, in ms: 1,000 to 3,600,000. The question needs no warehouse. The
   * pod waits a quarter more or less each time. Default: 10,000.
   */
  readonly pollIntervalMs?: number;
  /**
   * How often it compares the number of steps with what it has last seen, in ms: 1,000 to 86,400,000. This needs no warehouse
   * either, and does not depend on the answer above. Default: 3,600,000 (an hour).
   */
  readonly checkIntervalMs?: number;
  /**
   * How often it wakes to look, whatever the answers were, in ms: 60,000 to 604,800,000. The pods of a fleet wake together, so that
   * they share one resume of the warehouse. Default: 21,600,000 (six hours).
   */
  readonly lookIntervalMs?: number;
}

export interface ResolvedOptions extends Place {
  readonly connection: ConnectionSource | undefined;
  readonly createTables: boolean;
  readonly queryTag: string;
  readonly statementTimeoutMs: number;
  readonly staleReadMs: number;
  readonly statementSlots: number;
  readonly combines: Combining;
  /** Whether opening tries each privilege that a pod needs. */
  readonly checksAccess: boolean;
  readonly sleep: SleepRhythm | undefined;
  readonly tableKind: TableKind | undefined;
}

/** The options of `snowflakeDdl`: where the tables are, and who may use them. */
export interface DdlOptions extends Pick<SnowflakeOptions, 'database' | 'schema' | 'tablePrefix'> {
  /** The role of the pods. */
  readonly role: string;
  /** The warehouse of the pods. If it is given, the text grants its use. */
  readonly warehouse?: string;
  /** The kind of the tables, see {@link SnowflakeOptions.tableKind}. Default: `'transient'`. */
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

const SLEEP_FIELDS: FieldChecks = {
  quietForMs: integer(1, 600_000),
  pollIntervalMs: integer(1_000, 3_600_000),
  checkIntervalMs: integer(1_000, 86_400_000),
  lookIntervalMs: integer(60_000, 604_800_000),
};

const FIELDS: FieldChecks = {
  connection,
  ...PLACE,
  createTables: boolean,
  queryTag: name(200),
  statementTimeoutMs: integer(1_000, 3_600_000),
  staleReadMs: integer(0, 600_000),
  statementSlots: integer(1, 1_000),
  sleep: (value, field, code) => {
    if (typeof value === 'boolean') return;
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new ValidationError(code, field, `expected true, false or an object, got ${show(value)}`);
    checkFields(value, SLEEP_FIELDS, code, field);
  },
  tableKind,
};

const DDL_FIELDS: FieldChecks = { ...PLACE, role: name(255), warehouse: name(255), tableKind };

/** @throws ValidationError `OPTION_INVALID` */
export function resolveOptions(options: SnowflakeOptions): ResolvedOptions {
  checkFields(options, FIELDS, 'OPTION_INVALID', 'snowflake');
  const staleReadMs = options.staleReadMs ?? 10_000;
  return Object.freeze({
    ...placeOf(options, 'snowflake'),
    connection: options.connection,
    createTables: options.createTables ?? true,
    queryTag: options.queryTag ?? 'fleet-q',
    statementTimeoutMs: options.statementTimeoutMs ?? 60_000,
    staleReadMs,
    statementSlots: options.statementSlots ?? 8,
    combines: true,
    checksAccess: true,
    sleep: sleepRhythm(options.sleep ?? true, staleReadMs),
    tableKind: options.tableKind,
  });
}

/** A gap that is shorter than a read can be late would let a pod sleep over a step that it has not seen. */
function sleepRhythm(sleep: boolean | SleepOptions, staleReadMs: number): SleepRhythm | undefined {
  if (sleep === false) return undefined;
  const given = sleep === true ? {} : sleep;
  const quietForMs = given.quietForMs ?? Math.max(30_000, 3 * staleReadMs);
  if (quietForMs <= staleReadMs)
    throw new ValidationError(
      'OPTION_INVALID',
      'snowflake.sleep.quietForMs',
      `must be longer than staleReadMs (${staleReadMs}), got ${quietForMs}`,
    );
  return Object.freeze({
    quietForMs,
    pollIntervalMs: given.pollIntervalMs ?? 10_000,
    checkIntervalMs: given.checkIntervalMs ?? 3_600_000,
    lookIntervalMs: given.lookIntervalMs ?? 21_600_000,
  });
}

/** @throws ValidationError `OPTION_INVALID` */
export function resolveDdlOptions(options: DdlOptions): Place & DdlGrants {
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

/**
 * Every SQL text of this store, by name.
 *
 * Law: the text of a statement is constant, once the tables have their names. What varies travels in one JSON bind; only
 * validated counts are inlined. Every guard stands on the target row, every UPDATE's source is distinct by step. `SYSDATE()`
 * is the one clock. An alias never equals a column's name (Snowflake prefers the column).
 */
import { exchangeStatements, type ExchangeStatements } from './exchange/statements.js';
import { housekeepingStatements, type HousekeepingStatements } from './housekeeping/statements.js';
import { literal, type Names, type Tables } from './names.js';
import { podStatements, type PodStatements } from './pods/statements.js';
import { count } from './shared/statements.js';
import { stepStatements, type StepStatements } from './steps/statements.js';

export interface Statements {
  readonly exchange: ExchangeStatements;
  readonly steps: StepStatements;
  readonly pods: PodStatements;
  readonly housekeeping: HousekeepingStatements;
  readonly store: StoreStatements;
}

export interface StoreStatements {
  /** The versions that the tables have been brought to. */
  readonly readSchemaInfo: string;
  /** Bind: { version, oldestAllowed }. */
  readonly writeSchemaInfo: string;
  /** A value that moves with each change of the steps; answered without a warehouse. */
  readonly pulse: string;
  /** What the session was given at its login; answered without a warehouse. */
  readonly whereabouts: string;
  /** Fail where the database, or the schema, is not there or not granted; sent only to tell which. */
  readonly useDatabase: string;
  readonly useSchema: string;
  /** One for each privilege that a pod needs; they change nothing. */
  readonly probes: readonly Probe[];
}

/** A statement that changes nothing, and needs a privilege to do so. A SELECT shows the columns too. */
export interface Probe {
  readonly privilege: 'SELECT' | 'INSERT' | 'UPDATE' | 'DELETE';
  readonly table: keyof Tables;
  readonly text: string;
}

/** @see StoreStatements */
export function statementsOf(names: Names): Statements {
  return Object.freeze({
    exchange: exchangeStatements(names),
    steps: stepStatements(names),
    pods: podStatements(names),
    housekeeping: housekeepingStatements(names),
    store: storeStatements(names),
  });
}

function storeStatements(names: Names): StoreStatements {
  return {
    readSchemaInfo: `SELECT MAX(version) AS newest, MAX(oldest_allowed) AS oldest FROM ${names.schemaInfo}`,
    writeSchemaInfo: `INSERT INTO ${names.schemaInfo} (version, oldest_allowed, at_ts)
SELECT b:version::NUMBER(38,0), b:oldestAllowed::NUMBER(38,0), SYSDATE() FROM (SELECT PARSE_JSON(?) AS b)`,
    pulse: `SELECT SYSTEM$LAST_CHANGE_COMMIT_TIME(${literal(names.stepTracker)}) AS token`,
    whereabouts: 'SELECT CURRENT_WAREHOUSE() AS warehouse_name, CURRENT_ROLE() AS role_name',
    useDatabase: `USE DATABASE ${names.database}`,
    useSchema: `USE SCHEMA ${names.wholeSchema}`,
    probes: probes(names),
  };
}

function probes(names: Names): Probe[] {
  const inserts = {
    stepTracker: 'step_id',
    stepArchive: 'step_id',
    exchangeRequest: 'token',
    podLog: 'event',
  } as const;
  const tables = Object.entries(inserts) as [keyof typeof inserts, string][];
  const all = [...tables.map(([table]) => table), 'schemaInfo', 'podHealth'] as const;
  return [
    ...all.map((table): Probe => ({ privilege: 'SELECT', table, text: `SELECT * FROM ${names[table]} WHERE FALSE` })),
    ...tables.flatMap(([table, column]): Probe[] => [
      { privilege: 'INSERT', table, text: `INSERT INTO ${names[table]} (${column}) SELECT '' WHERE FALSE` },
      { privilege: 'DELETE', table, text: `DELETE FROM ${names[table]} WHERE FALSE` },
    ]),
    { privilege: 'UPDATE', table: 'stepTracker', text: `UPDATE ${names.stepTracker} SET version = 0 WHERE FALSE` },
  ];
}

/** For each session, when it begins. Bound waits, one time zone, and no statement that outlives its client. */
export function sessionSettings(queryTag: string, timeoutSeconds: number): string {
  return `ALTER SESSION SET ${[
    `QUERY_TAG = ${literal(queryTag)}`,
    `TIMEZONE = 'UTC'`,
    // Shorter than the statement's: the wait for a lock must end as back-pressure, not as an error.
    `LOCK_TIMEOUT = ${count(Math.ceil(timeoutSeconds / 2))}`,
    `STATEMENT_TIMEOUT_IN_SECONDS = ${count(timeoutSeconds)}`,
    `STATEMENT_QUEUED_TIMEOUT_IN_SECONDS = ${count(timeoutSeconds)}`,
    'AUTOCOMMIT = TRUE',
    'ABORT_DETACHED_QUERY = TRUE',
    'ERROR_ON_NONDETERMINISTIC_UPDATE = TRUE',
  ].join(', ')}`;
}

/**
 * Every SQL text of this store, by name.
 *
 * Invariants:
 * - The text of a statement is constant once the tables have their names. What varies travels in one JSON bind; only
 *   validated counts are inlined.
 * - Every guard is a condition on the target row, and every UPDATE's source has one row for each step.
 * - `SYSDATE()` is the only clock.
 * - An alias never equals a column's name, because Snowflake prefers the column.
 */
import { exchangeStatements, type ExchangeStatements } from './exchange/statements.js';
import { housekeepingStatements, type HousekeepingStatements } from './housekeeping/statements.js';
import { requiredColumns, textColumns } from './columns.js';
import { literal, type Names, type Tables } from './table-names.js';
import { podStatements, type PodStatements } from './pods/statements.js';
import { SCHEMA, TABLES } from './schema.js';
import { count } from './statements/fragments.js';
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
  /** What kind each table is of. Tables with a similar name may show too. */
  readonly kinds: readonly Kind[];
  /** Of each table with text whether a column does not compare it byte by byte: 1 or 0. */
  readonly collated: string;
}

/** A statement that shows a table with its kind, from metadata alone; no row where there is no such table. */
export interface Kind {
  readonly table: keyof Tables;
  readonly text: string;
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
    kinds: TABLES.map((table) => ({ table, text: kindOf(names, table) })),
    collated: TABLES.filter((table) => textColumns(SCHEMA.tables[table]).length > 0)
      .map((table) => collatedOf(names, table))
      .join('\nUNION ALL\n'),
  };
}

function probes(names: Names): Probe[] {
  const changed = ['stepTracker', 'stepArchive', 'exchangeRequest', 'podLog'] as const;
  const all = [...changed, 'schemaInfo', 'podHealth'] as const;
  return [
    ...all.map((table): Probe => ({ privilege: 'SELECT', table, text: `SELECT * FROM ${names[table]} WHERE FALSE` })),
    ...changed.flatMap((table): Probe[] => [
      { privilege: 'INSERT', table, text: insertOfNothing(names, table) },
      { privilege: 'DELETE', table, text: `DELETE FROM ${names[table]} WHERE FALSE` },
    ]),
    { privilege: 'UPDATE', table: 'stepTracker', text: `UPDATE ${names.stepTracker} SET version = 0 WHERE FALSE` },
  ];
}

/** A value of each type, so that nothing has to be cast. */
const VALUES: Readonly<Record<string, string>> = { VARCHAR: `''`, NUMBER: '0', TIMESTAMP_NTZ: 'SYSDATE()' };

function insertOfNothing(names: Names, table: keyof Tables): string {
  const columns = SCHEMA.tables[table];
  const needed = requiredColumns(columns);
  const values = needed.map((column) => VALUES[/^\w+/.exec(columns[column] ?? '')?.[0] ?? ''] ?? 'NULL');
  return `INSERT INTO ${names[table]} (${needed.join(', ')}) SELECT ${values.join(', ')} WHERE FALSE`;
}

/** A backslash would escape what comes after it; `_` stands for any character. */
function kindOf(names: Names, table: keyof Tables): string {
  const pattern = names.plain[table].replaceAll('\\', '_');
  return `SHOW TABLES LIKE ${literal(pattern)} IN SCHEMA ${names.wholeSchema}`;
}

/**
 * Tried, not looked up: byte by byte a small letter is above all capitals, and a blank at the end counts. The one text
 * takes the collation of whichever column has one.
 */
function collatedOf(names: Names, table: (typeof TABLES)[number]): string {
  const columns = textColumns(SCHEMA.tables[table]).map((column) => `MAX(${column})`);
  return `SELECT '${table}' AS its_table, IFF(tried < 'B' OR tried = 'a', 1, 0) AS collated
FROM (SELECT COALESCE(${columns.join(', ')}, 'a ') AS tried FROM ${names[table]} WHERE FALSE)`;
}

/**
 * For each session, when it begins: what an account or a user may have set otherwise, and would change what our statements
 * mean, how long they wait, or how the driver reads their rows.
 */
export function sessionSettings(queryTag: string, timeoutSeconds: number): string {
  return `ALTER SESSION SET ${[
    `QUERY_TAG = ${literal(queryTag)}`,
    `TIMEZONE = 'UTC'`,
    `TIMESTAMP_INPUT_FORMAT = 'AUTO'`,
    // Shorter than the statement's, so that the wait for a lock ends as back-pressure. It must outlast a full queue, some
    // 20 UPDATEs; the rest is for the statement's own work.
    `LOCK_TIMEOUT = ${count(Math.floor(timeoutSeconds * 0.75))}`,
    `STATEMENT_TIMEOUT_IN_SECONDS = ${count(timeoutSeconds)}`,
    `STATEMENT_QUEUED_TIMEOUT_IN_SECONDS = ${count(timeoutSeconds)}`,
    'AUTOCOMMIT = TRUE',
    'ABORT_DETACHED_QUERY = TRUE',
    'ERROR_ON_NONDETERMINISTIC_UPDATE = TRUE',
    'QUOTED_IDENTIFIERS_IGNORE_CASE = FALSE',
    'ROWS_PER_RESULTSET = 0',
    // Else the driver gives whole numbers as objects.
    'JS_TREAT_INTEGER_AS_BIGINT = FALSE',
    // The pulse names no table, so nothing would ever make a kept answer invalid.
    'USE_CACHED_RESULT = FALSE',
  ].join(', ')}`;
}

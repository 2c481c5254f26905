/**
 * The tables: how they are created and migrated, and what a pod may do with them.
 *
 * Invariants:
 * - Migrations only add, so that pods of two versions can share the tables during a deployment.
 * - Tables have no time travel, whatever their kind: small changes rewrite whole micro-partitions.
 * - Text is compared byte by byte. So each table is created without a collation: otherwise its columns would inherit that of the
 *   schema, the database or the account, under which different ids or step types may count as equal.
 */
import {
  type Columns,
  EXCHANGE_REQUEST,
  POD_HEALTH,
  POD_LOG,
  SCHEMA_INFO,
  STEP_ARCHIVE,
  STEP_TRACKER,
} from './columns.js';
import { identifier, type Names, type Tables } from './table-names.js';
import { life } from './statements/fragments.js';

/** The version of the schema that this code writes. */
export const SCHEMA_VERSION = 4;
const OLDEST_ALLOWED = 1;

/** The tables; the view is not among them. */
export const TABLES = ['schemaInfo', 'stepTracker', 'stepArchive', 'exchangeRequest', 'podLog'] as const;

/** What Snowflake calls the tables: `transient` ones have no fail-safe, `permanent` ones have seven days of it. */
export type TableKind = 'transient' | 'permanent';
export const TABLE_KINDS: readonly TableKind[] = ['transient', 'permanent'];

const NO_COLLATION = `DEFAULT_DDL_COLLATION = ''`;

function table(kind: TableKind, name: string, columns: Columns): string {
  const create = kind === 'transient' ? 'CREATE TRANSIENT TABLE' : 'CREATE TABLE';
  const body = Object.entries(columns).map(([column, type]) => `  ${column} ${type}`);
  return `${create} IF NOT EXISTS ${name} (\n${body.join(',\n')}\n) DATA_RETENTION_TIME_IN_DAYS = 0 ${NO_COLLATION}`;
}

/**
 * Adds a column that is nullable and has no default: otherwise Snowflake accepts no IF NOT EXISTS. The column gets the collation
 * of its table, which may have been created before tables were created without one.
 */
const added = (name: string, columns: Columns, column: string): readonly string[] => [
  `ALTER TABLE ${name} SET ${NO_COLLATION}`,
  `ALTER TABLE ${name} ADD COLUMN IF NOT EXISTS ${column} ${columns[column]}`,
];

/** A view for people, with the columns of the Python FLEET-Q: the newest incarnation of each pod. No statement reads it. */
const podHealth = (names: Names): string => `CREATE VIEW IF NOT EXISTS ${names.podHealth} AS
WITH ${life(names)}
SELECT its_pod AS pod_id, birth_ts, heard_ts AS last_heartbeat_ts, IFF(was_evicted + has_left = 0, 'up', 'down') AS status,
  TRY_PARSE_JSON(its_meta) AS meta, incarnation
FROM life WHERE birth_ts IS NOT NULL
QUALIFY ROW_NUMBER() OVER (PARTITION BY its_pod ORDER BY birth_ts DESC, incarnation DESC) = 1`;

/**
 * The statements that lead from each version to the next. The first ones create version 1. Each may run twice, and at the same
 * time as another pod's: it says `IF NOT EXISTS`, or has the same effect the second time.
 */
export function migrations(names: Names, kind: TableKind): readonly (readonly string[])[] {
  return [
    [...TABLES.map((name) => table(kind, names[name], COLUMNS[name])), podHealth(names)],
    [
      ...added(names.stepTracker, STEP_TRACKER, 'submit_index'),
      ...added(names.stepArchive, STEP_ARCHIVE, 'submit_index'),
    ],
    added(names.exchangeRequest, EXCHANGE_REQUEST, 'slot_ms'),
    [
      ...added(names.stepTracker, STEP_TRACKER, 'earlier_settlements'),
      ...added(names.stepArchive, STEP_ARCHIVE, 'earlier_settlements'),
    ],
  ];
}

/** The columns of each table, with their types. */
const COLUMNS: Readonly<Record<keyof Tables, Columns>> = {
  stepTracker: STEP_TRACKER,
  stepArchive: STEP_ARCHIVE,
  exchangeRequest: EXCHANGE_REQUEST,
  podLog: POD_LOG,
  schemaInfo: SCHEMA_INFO,
  podHealth: POD_HEALTH,
};

/** A version of the tables, and how it is reached. */
export interface Schema {
  readonly version: number;
  /** The oldest version whose code may still write them. */
  readonly oldestAllowed: number;
  /** The columns, with their types. */
  readonly tables: Readonly<Record<keyof Tables, Columns>>;
  readonly migrations: typeof migrations;
}

/** The version that this code works with. */
export const SCHEMA: Schema = {
  version: SCHEMA_VERSION,
  oldestAllowed: OLDEST_ALLOWED,
  tables: COLUMNS,
  migrations,
};

/** The columns that migrations add to a table, each with its statement. */
export function addedColumns(
  { tables, migrations: of }: Schema,
  names: Names,
  on: keyof Tables,
): readonly { readonly column: string; readonly statement: string }[] {
  const texts = of(names, 'transient').flat();
  return Object.keys(tables[on]).flatMap((column) => {
    const head = `ALTER TABLE ${names[on]} ADD COLUMN IF NOT EXISTS ${column} `;
    const statement = texts.find((text) => text.startsWith(head));
    return statement === undefined ? [] : [{ column, statement }];
  });
}

/** What a pod may do with each table, and no more. */
export const GRANTS: Readonly<Record<keyof Tables, readonly string[]>> = {
  stepTracker: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  stepArchive: ['SELECT', 'INSERT', 'DELETE'],
  exchangeRequest: ['SELECT', 'INSERT', 'DELETE'],
  podLog: ['SELECT', 'INSERT', 'DELETE'],
  schemaInfo: ['SELECT'],
  podHealth: [], // for people; no pod reads it
};

export interface DdlGrants {
  readonly role: string;
  readonly warehouse?: string;
  readonly tableKind: TableKind;
}

/** The text that an administrator runs once, so that the pods' role needs no privilege to create anything. */
export function ddlText(names: Names, { tableKind, ...grants }: DdlGrants): string {
  const role = identifier(grants.role);
  const statements = [
    `CREATE SCHEMA IF NOT EXISTS ${names.wholeSchema}`,
    ...migrations(names, tableKind).flat(),
    `INSERT INTO ${names.schemaInfo} (version, oldest_allowed, at_ts)
SELECT ${SCHEMA_VERSION}, ${OLDEST_ALLOWED}, SYSDATE()`,
    ...(grants.warehouse === undefined
      ? []
      : [`GRANT USAGE ON WAREHOUSE ${identifier(grants.warehouse)} TO ROLE ${role}`]),
    `GRANT USAGE ON DATABASE ${names.database} TO ROLE ${role}`,
    `GRANT USAGE ON SCHEMA ${names.wholeSchema} TO ROLE ${role}`,
    ...(Object.keys(GRANTS) as (keyof Tables)[])
      .filter((name) => GRANTS[name].length > 0)
      .map((name) => `GRANT ${GRANTS[name].join(', ')} ON TABLE ${names[name]} TO ROLE ${role}`),
  ];
  return statements.map((statement) => `${statement};\n`).join('\n');
}

/** What is sent when a store opens: the version, the kind and the columns of the tables, and the privileges of the role. */
import { requiredColumns, textColumns } from '../columns.js';
import { likePattern, type Names, type Tables } from '../table-names.js';
import { SCHEMA, TABLES } from '../schema.js';

export interface OpeningStatements {
  /** The versions that the tables have been brought to. */
  readonly readSchemaInfo: string;
  /** Bind: { version, oldestAllowed }. */
  readonly writeSchemaInfo: string;
  /** The warehouse and the role that the session got at its login. Answered without a warehouse. */
  readonly currentWarehouse: string;
  /** Fail if the database, or the schema, does not exist or is not granted. Sent only to find out which. */
  readonly useDatabase: string;
  readonly useSchema: string;
  /** One statement for each privilege that a pod needs. They change nothing. */
  readonly probes: readonly Probe[];
  /** The kind of each table. Tables with a similar name may show, too. */
  readonly kinds: readonly KindQuery[];
  /** For each table with text: 1 if a column does not compare text byte by byte, else 0. */
  readonly collated: string;
}

/** A statement that shows a table with its kind, from metadata alone. It answers no row if there is no such table. */
export interface KindQuery {
  readonly table: keyof Tables;
  readonly text: string;
}

/** A statement that changes nothing, and needs a privilege to do so. A SELECT shows the columns, too. */
export interface Probe {
  readonly privilege: 'SELECT' | 'INSERT' | 'UPDATE' | 'DELETE';
  readonly table: keyof Tables;
  readonly text: string;
}

export function openingStatements(names: Names): OpeningStatements {
  return {
    readSchemaInfo: `SELECT MAX(version) AS newest, MAX(oldest_allowed) AS oldest FROM ${names.schemaInfo}`,
    writeSchemaInfo: `INSERT INTO ${names.schemaInfo} (version, oldest_allowed, at_ts)
SELECT b:version::NUMBER(38,0), b:oldestAllowed::NUMBER(38,0), SYSDATE() FROM (SELECT PARSE_JSON(?) AS b)`,
    currentWarehouse: 'SELECT CURRENT_WAREHOUSE() AS warehouse_name, CURRENT_ROLE() AS role_name',
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

/** It names every column that needs a value: without them Snowflake refuses the INSERT, and proves nothing about the grant. */
function insertOfNothing(names: Names, table: keyof Tables): string {
  const columns = SCHEMA.tables[table];
  const needed = requiredColumns(columns);
  const values = needed.map((column) => VALUES[/^\w+/.exec(columns[column] ?? '')?.[0] ?? ''] ?? 'NULL');
  return `INSERT INTO ${names[table]} (${needed.join(', ')}) SELECT ${values.join(', ')} WHERE FALSE`;
}

function kindOf(names: Names, table: keyof Tables): string {
  return `SHOW TABLES LIKE ${likePattern(names.plain[table])} IN SCHEMA ${names.wholeSchema}`;
}

/**
 * The collation is tried, not looked up: compared byte by byte, a small letter sorts after all capitals, and a blank at the end
 * counts. The one text takes the collation of any column that has one.
 */
function collatedOf(names: Names, table: (typeof TABLES)[number]): string {
  const columns = textColumns(SCHEMA.tables[table]).map((column) => `MAX(${column})`);
  return `SELECT '${table}' AS its_table, IFF(tried < 'B' OR tried = 'a', 1, 0) AS collated
FROM (SELECT COALESCE(${columns.join(', ')}, 'a ') AS tried FROM ${names[table]} WHERE FALSE)`;
}

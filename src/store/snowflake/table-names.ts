/** The names of the tables, quoted so that they may hold any character. */

/** Where the tables are. */
export interface Place {
  readonly database: string;
  readonly schema: string;
  /** The prefix of the name of each table. */
  readonly tablePrefix: string;
}

/** The full names of the tables, as a statement writes them. */
export interface Tables {
  readonly stepTracker: string;
  readonly stepArchive: string;
  readonly exchangeRequest: string;
  readonly podLog: string;
  readonly podHealth: string;
  readonly schemaInfo: string;
}

/** The names of the tables, of their database and of their schema. */
export interface Names extends Tables {
  readonly database: string;
  /** The schema with its database. */
  readonly wholeSchema: string;
  /** The names of the tables alone, without quotes. */
  readonly plain: Tables;
}

const TABLES: Readonly<Record<keyof Tables, string>> = {
  stepTracker: 'STEP_TRACKER',
  stepArchive: 'STEP_ARCHIVE',
  exchangeRequest: 'EXCHANGE_REQUEST',
  podLog: 'POD_LOG',
  podHealth: 'POD_HEALTH',
  schemaInfo: 'SCHEMA_INFO',
};

export function namesOf({ database, schema, tablePrefix }: Place): Names {
  const wholeSchema = `${identifier(database)}.${identifier(schema)}`;
  const named = (nameOf: (table: string) => string): Tables =>
    Object.fromEntries(Object.entries(TABLES).map(([key, table]) => [key, nameOf(tablePrefix + table)])) as Record<
      keyof Tables,
      string
    >;
  return Object.freeze({
    ...named((table) => `${wholeSchema}.${identifier(table)}`),
    database: identifier(database),
    wholeSchema,
    plain: named((table) => table),
  });
}

/** A quoted identifier. Within the quotes, only a quote is escaped. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text literal. Snowflake reads a backslash in it as an escape. */
export function literal(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

/**
 * A pattern of LIKE, as a literal, that matches the name and perhaps similar ones. A backslash would escape the character after
 * it, so `_` takes its place, which matches any character.
 */
export function likePattern(name: string): string {
  return literal(name.replaceAll('\\', '_'));
}

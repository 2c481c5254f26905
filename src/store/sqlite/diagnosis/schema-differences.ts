/** Compares the tables of a file with those that this version makes. */
import type { Database } from 'better-sqlite3';
import type { SqliteDriver } from '../../../driver/better-sqlite3.js';
import { MEMORY } from '../../../files/file-path.js';
import { migrate } from '../schema/migration.js';
import { COLUMNS, INDEXES_AND_TRIGGERS } from './statements.js';

export interface Differences {
  /** What the file lacks: `column crashes of STEP_TRACKER`. */
  readonly missing: readonly string[];
  /** What slows the queue's own tables, and is not its own. */
  readonly added: readonly string[];
}

interface Parts {
  /** By name: the text that has to be equal. */
  readonly columns: ReadonlyMap<string, string>;
  readonly tables: ReadonlySet<string>;
  readonly others: ReadonlyMap<string, string>;
}

/** The tables as they should be are made in memory. */
export function differences(driver: SqliteDriver, connection: Database): Differences {
  const model = new driver(MEMORY);
  try {
    migrate(model, MEMORY);
    return compared(partsOf(model), partsOf(connection));
  } finally {
    model.close();
  }
}

function compared(wanted: Parts, found: Parts): Differences {
  const missing: string[] = [];
  for (const table of wanted.tables) if (!found.tables.has(table)) missing.push(`table ${table}`);
  for (const [column, type] of wanted.columns) {
    const [table = ''] = column.split(' ');
    if (!found.tables.has(table)) continue;
    const is = found.columns.get(column);
    if (is === undefined) missing.push(`column ${column.slice(table.length + 1)} of ${table}`);
    else if (is !== type) missing.push(`column ${column.slice(table.length + 1)} of ${table} is ${is}, not ${type}`);
  }
  for (const name of wanted.others.keys()) if (!found.others.has(name)) missing.push(name);
  const added = [...found.others].filter(([name, table]) => wanted.tables.has(table) && !wanted.others.has(name));
  return { missing, added: added.map(([name, table]) => `${name} on ${table}`) };
}

function partsOf(connection: Database): Parts {
  const columns = connection.prepare<[], { its_table: string; its_column: string; its_type: string }>(COLUMNS).all();
  const others = connection.prepare<[], { kind: string; name: string; its_table: string }>(INDEXES_AND_TRIGGERS).all();
  return {
    columns: new Map(columns.map((each) => [`${each.its_table} ${each.its_column}`, each.its_type])),
    tables: new Set(columns.map((each) => each.its_table)),
    others: new Map(others.map((each) => [`${each.kind} ${each.name}`, each.its_table])),
  };
}

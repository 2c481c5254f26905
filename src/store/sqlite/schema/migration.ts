/** Brings a file's schema up to date, or refuses one that is too new. */
import type { Database } from 'better-sqlite3';
import { StoreError } from '../../../errors.js';
import { CREATE_SCHEMA_INFO, MIGRATIONS, OLDEST_ALLOWED, SCHEMA_VERSION } from './schema.js';
import { HAS_SCHEMA_INFO, READ_SCHEMA_INFO, WRITE_SCHEMA_INFO } from './statements.js';

export interface SchemaInfo {
  readonly version: number;
  readonly oldest_allowed: number;
}

/**
 * Several processes may migrate at once: each decides under the write lock what is left to do.
 *
 * @throws StoreError `STORE_SCHEMA_NEWER`
 */
export function migrate(connection: Database, path: string): void {
  if (pending(connection, path).length === 0) return;
  connection
    .transaction(() => {
      for (const statement of pending(connection, path)) connection.exec(statement);
      connection.exec(CREATE_SCHEMA_INFO);
      connection.prepare(WRITE_SCHEMA_INFO).run(SCHEMA_VERSION, OLDEST_ALLOWED);
    })
    .immediate();
}

function pending(connection: Database, path: string): readonly string[] {
  const known = connection.prepare(HAS_SCHEMA_INFO).get() !== undefined;
  const info = known ? connection.prepare<[], SchemaInfo>(READ_SCHEMA_INFO).get() : undefined;
  if (info === undefined) return MIGRATIONS.flat();
  if (info.oldest_allowed > SCHEMA_VERSION) {
    throw schemaNewer(path, info);
  }
  return MIGRATIONS.slice(info.version).flat();
}

/**
 * Refuses a file that would have to be created or migrated. Writes nothing.
 *
 * @throws StoreError `STORE_ACCESS_DENIED`
 */
export function refusePending(connection: Database, path: string): void {
  if (pending(connection, path).length === 0) return;
  const isQueue = connection.prepare(HAS_SCHEMA_INFO).get() !== undefined;
  const problem = isQueue
    ? `its tables have an older schema, and this process needs version ${SCHEMA_VERSION}; a pod of this version migrates them`
    : 'it has no tables of fleet-q';
  throw new StoreError('STORE_ACCESS_DENIED', `${path}: ${problem}; createTables is false`, false);
}

export function schemaNewer(path: string, { version, oldest_allowed: oldest }: SchemaInfo): StoreError {
  return new StoreError(
    'STORE_SCHEMA_NEWER',
    `${path} was written by a newer fleet-q: its schema has version ${version} and needs a fleet-q that knows version ${oldest}; this one knows ${SCHEMA_VERSION}. Update fleet-q in this process`,
    false,
  );
}

/**
 * Opens the tables: they are there, of a version that this code may write and of the kind asked for, and the role may do
 * with them what a pod does.
 *
 * Invariants:
 * - What is missing is named at once, with the grant that mends it.
 * - A pod that has made all tables owns them. For every other pod each privilege is tried by a statement that changes
 *   nothing.
 * - Several pods may open at once: what another pod has made meanwhile is done, whatever the server says.
 * - The rows of SCHEMA_INFO may be read late. Where the table is there, and its version is too old for a role that may not
 *   bring it up to date, it is read once more before that is believed.
 */
import { StoreError } from '../../../errors.js';
import { DriverError, isAltered, isMissing, isThereAlready } from '../session/driver-error.js';
import type { ResolvedOptions } from '../options.js';
import { refuseCollations } from './collation-check.js';
import { kindForTables, refuseOtherKinds } from './table-kinds.js';
import type { OpeningContext } from './opening-context.js';
import { denied, probe, refuseAltered, refuseStrangers, type AccessCheckParts } from './access-check.js';
import { number, textOrNull } from '../rows.js';
import type { TableKind } from '../schema.js';
import { schemaNewer } from '../schema-version-guard.js';
import type { StatementRunner } from '../session/session.js';

/** The versions that the tables have been brought to. */
interface Versions {
  /** 0: there are no tables. */
  readonly newest: number;
  readonly oldestAllowed: number;
  /** Whether there is a table that says so. */
  readonly isTold: boolean;
}

/** Answers the oldest version that may write the tables. @throws StoreError */
export async function openTables(parts: OpeningContext): Promise<number> {
  const { sessions, schema } = parts;
  const [session] = sessions;
  await refuseNoWarehouse(parts, session);
  let versions = await versionsOf(parts, session);
  refuseNewer(parts, versions);
  const kind = await kindForTables(parts, versions.newest < schema.version);
  let isOurs = false;
  if (versions.newest < schema.version) {
    try {
      isOurs = await bringUpToDate(parts, session, versions, kind);
    } catch (error) {
      versions = await seenLater(parts, session, versions, error);
      refuseNewer(parts, versions);
    }
  }
  if (!isOurs) await probe(probing(parts), sessions);
  await refuseCollations(parts);
  return Math.max(versions.oldestAllowed, schema.oldestAllowed);
}

function refuseNewer({ names, schema, reopening }: OpeningContext, { oldestAllowed }: Versions): void {
  if (oldestAllowed > schema.version && reopening !== true)
    throw schemaNewer(names.wholeSchema, oldestAllowed, schema.version);
}

/** Answers whether this pod has made all tables. */
async function bringUpToDate(
  parts: OpeningContext,
  session: StatementRunner,
  { newest }: Versions,
  kind: TableKind,
): Promise<boolean> {
  const { options, schema } = parts;
  if (!options.createTables) throw outdated(newest, schema.version);
  if (newest === 0) await refuseStrangers(probing(parts), session);
  const madeAll = await migrate(parts, session, newest, kind);
  await refuseOtherKinds(parts); // another pod may have made some of them
  return madeAll && newest === 0;
}

/** The versions once they cannot be read late, where those that were read made opening fail. */
async function seenLater(
  parts: OpeningContext,
  session: StatementRunner,
  read: Versions,
  error: unknown,
): Promise<Versions> {
  const { options, schema, pause } = parts;
  const isDenied = error instanceof StoreError && error.code === 'STORE_ACCESS_DENIED';
  if (!isDenied || !read.isTold || options.staleReadMs === 0) throw error;
  await pause(options.staleReadMs);
  const again = await versionsOf(parts, session);
  if (again.newest < schema.version) throw error;
  return again;
}

function outdated(version: number, needed: number): StoreError {
  const told = `the tables are of version ${version}, this code needs ${needed}: have an administrator run the text of snowflakeDdl`;
  return new StoreError('STORE_ACCESS_DENIED', told, false);
}

function probing({ names, schema, secrets, statements }: OpeningContext): AccessCheckParts {
  return { names, schema, secrets, probes: statements.store.probes };
}

async function refuseNoWarehouse({ statements }: OpeningContext, session: StatementRunner): Promise<void> {
  const [row] = await session.run(statements.store.whereabouts);
  if (row === undefined || textOrNull(row, 'WAREHOUSE_NAME') !== null) return;
  const role = textOrNull(row, 'ROLE_NAME') ?? '';
  throw new StoreError(
    'STORE_NO_WAREHOUSE',
    `the session has no warehouse: the connection names none, or it does not exist, or USAGE on it is not granted to the role ${role}`,
    false,
  );
}

async function versionsOf(parts: OpeningContext, session: StatementRunner): Promise<Versions> {
  const { options, names, statements, secrets } = parts;
  try {
    const [row] = await session.run(statements.store.readSchemaInfo);
    return { newest: number(row, 'NEWEST'), oldestAllowed: number(row, 'OLDEST'), isTold: true };
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    if (error.code === '003001') throw denied(error, 'SELECT', names.schemaInfo, '', secrets);
    if (isAltered(error)) await refuseAltered(probing(parts), session, 'schemaInfo');
    if (!isMissing(error)) throw error;
    await refuseMissingPlace(parts, session);
    if (options.createTables) return { newest: 0, oldestAllowed: 0, isTold: false };
    throw denied(error, 'SELECT', names.schemaInfo, '; or snowflakeDdl has not been run', secrets);
  }
}

/** Whether it is the database or the schema that is not there. */
async function refuseMissingPlace(
  { names, statements, options, secrets }: OpeningContext,
  session: StatementRunner,
): Promise<void> {
  const places = [
    [statements.store.useDatabase, `DATABASE ${names.database}`],
    [statements.store.useSchema, `SCHEMA ${names.wholeSchema}`],
  ] as const;
  for (const [statement, place] of places) {
    try {
      await session.run(statement);
    } catch (error) {
      if (error instanceof DriverError && isMissing(error)) throw denied(error, 'USAGE', place, hint(options), secrets);
      throw error;
    }
  }
}

/**
 * A migration that was interrupted is begun again: each of its statements may run twice. Answers whether this pod alone
 * has made everything.
 */
async function migrate(
  parts: OpeningContext,
  session: StatementRunner,
  from: number,
  kind: TableKind,
): Promise<boolean> {
  const { names, statements, secrets, log, schema } = parts;
  const { version, oldestAllowed } = schema;
  let madeAll = true;
  try {
    for (const statement of schema.migrations(names, kind).slice(from, version).flat())
      madeAll = (await made(session, statement)) && madeAll;
    await session.run(statements.store.writeSchemaInfo, JSON.stringify({ version, oldestAllowed }));
  } catch (error) {
    if (!(error instanceof DriverError) || error.code !== '003001') throw error;
    const more = '; or have an administrator run snowflakeDdl';
    const wanted = from === 0 ? 'CREATE TABLE, CREATE VIEW' : 'OWNERSHIP of the tables, CREATE TABLE, CREATE VIEW';
    throw denied(error, wanted, `SCHEMA ${names.wholeSchema}`, more, secrets);
  }
  log.info({ from, version }, from === 0 ? 'the tables have been made' : 'the tables have been brought up to date');
  return madeAll;
}

/** Two pods that look at the same instant both find nothing. The slower one then gets an error that it is there already. */
async function made(session: StatementRunner, statement: string): Promise<boolean> {
  try {
    await session.run(statement);
    return true;
  } catch (error) {
    if (error instanceof DriverError && isThereAlready(error)) return false;
    throw error;
  }
}

function hint({ database, schema }: ResolvedOptions): string {
  return database === database.toUpperCase() && schema === schema.toUpperCase()
    ? '; or it does not exist'
    : '; or it does not exist: names are taken letter by letter, and mostly are in capitals';
}

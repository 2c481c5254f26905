/**
 * Opening: the tables are there, of a version that this code may write, and the role may do with them what a pod does.
 *
 * Law: what is missing is named at once, with the grant that would mend it. Who has just made the tables owns them; for all
 * others each privilege is tried by a statement that changes nothing.
 */
import { StoreError } from '../../errors.js';
import type { Log } from '../../log.js';
import { DriverError, storeError } from './faults.js';
import type { Names } from './names.js';
import type { ResolvedOptions } from './options.js';
import { number, textOrNull } from './rows.js';
import { GRANTS, migrations, OLDEST_ALLOWED, SCHEMA_VERSION } from './schema.js';
import type { Secrets } from './secrets.js';
import type { Session } from './session.js';
import type { Sessions } from './sessions.js';
import type { Probe, Statements } from './statements.js';

export interface OpeningParts {
  readonly options: ResolvedOptions;
  readonly names: Names;
  readonly statements: Statements;
  readonly sessions: Sessions;
  readonly secrets: Secrets;
  readonly log: Log;
}

/** @throws StoreError */
export async function open(parts: OpeningParts): Promise<void> {
  const { sessions, options } = parts;
  await refuseNoWarehouse(parts, sessions.rest);
  const version = await versionOf(parts, sessions.rest);
  if (version >= SCHEMA_VERSION) return probe(parts);
  if (!options.createTables) {
    throw new StoreError(
      'STORE_ACCESS_DENIED',
      `the tables are of version ${version}, this code needs ${SCHEMA_VERSION}: have an administrator run the text of snowflakeDdl`,
      false,
    );
  }
  await migrate(parts, sessions.rest, version);
}

async function refuseNoWarehouse({ statements }: OpeningParts, session: Session): Promise<void> {
  const [row] = await session.run(statements.store.whereabouts);
  if (row === undefined || textOrNull(row, 'WAREHOUSE_NAME') !== null) return;
  const role = textOrNull(row, 'ROLE_NAME') ?? '';
  throw new StoreError(
    'STORE_NO_WAREHOUSE',
    `the session has no warehouse: the warehouse of the connection does not exist, or USAGE on it is not granted to the role ${role}`,
    false,
  );
}

/** 0: there are no tables. */
async function versionOf(parts: OpeningParts, session: Session): Promise<number> {
  const { options, names, statements, secrets } = parts;
  try {
    const [row] = await session.run(statements.store.readSchemaInfo);
    const oldest = number(row, 'OLDEST');
    if (oldest <= SCHEMA_VERSION) return number(row, 'NEWEST');
    throw new StoreError(
      'STORE_SCHEMA_NEWER',
      `the tables may be written by version ${oldest} and later, this is ${SCHEMA_VERSION}: update fleet-q`,
      false,
    );
  } catch (error) {
    if (!(error instanceof DriverError) || !isMissing(error)) throw error;
    await refuseMissingPlace(parts, session);
    if (options.createTables) return 0;
    throw denied(error, 'SELECT', names.schemaInfo, '; has snowflakeDdl been run?', secrets);
  }
}

/** Whether it is the database or the schema that is not there. */
async function refuseMissingPlace(
  { names, statements, options, secrets }: OpeningParts,
  session: Session,
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

async function migrate(
  { names, statements, secrets, log }: OpeningParts,
  session: Session,
  from: number,
): Promise<void> {
  try {
    for (const step of migrations(names).slice(from)) for (const statement of step) await session.run(statement);
    await session.run(
      statements.store.writeSchemaInfo,
      JSON.stringify({ version: SCHEMA_VERSION, oldestAllowed: OLDEST_ALLOWED }),
    );
  } catch (error) {
    if (!(error instanceof DriverError) || error.code !== '003001') throw error;
    const more = '; or have an administrator run snowflakeDdl';
    throw denied(error, 'CREATE TABLE, CREATE VIEW', `SCHEMA ${names.wholeSchema}`, more, secrets);
  }
  log.info({ version: SCHEMA_VERSION }, 'the tables have been made');
}

/** Each session tries a share; nothing is under way any more when the first failure is told. */
async function probe(parts: OpeningParts): Promise<void> {
  const { sessions, statements } = parts;
  const all = [sessions.exchange, sessions.heartbeat, sessions.rest];
  const shares = all.map(async (session, at) => {
    const share = statements.store.probes.filter((_, i) => i % all.length === at);
    for (const one of share) await tryOut(parts, session, one);
  });
  const failed = (await Promise.allSettled(shares)).find((each) => each.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

async function tryOut(
  { names, secrets }: OpeningParts,
  session: Session,
  { privilege, table, text }: Probe,
): Promise<void> {
  try {
    await session.run(text);
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    if (error.code === '003001') throw denied(error, privilege, names[table], '', secrets);
    if (isMissing(error))
      throw denied(error, GRANTS[table].join(', '), names[table], '; or the table is gone', secrets);
    throw error;
  }
}

function isMissing({ code, message }: DriverError): boolean {
  return ['002003', '002043'].includes(code) || /does not exist or not authorized/i.test(message);
}

function hint({ database, schema }: ResolvedOptions): string {
  return database === database.toUpperCase() && schema === schema.toUpperCase()
    ? '; or it does not exist'
    : '; or it does not exist: names are taken letter by letter, and mostly are in capitals';
}

function denied(error: DriverError, privilege: string, on: string, more: string, secrets: Secrets): StoreError {
  const { message } = storeError(error, secrets);
  return new StoreError('STORE_ACCESS_DENIED', `missing: ${privilege} on ${on}${more}. ${message}`, false, {
    cause: error,
  });
}

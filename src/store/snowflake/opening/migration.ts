/** Creates the tables, or migrates them to the version of this code. */
import type { TableKind } from '../schema.js';
import { DriverError, isThereAlready } from '../session/driver-error.js';
import type { StatementRunner } from '../session/session-interface.js';
import { denied } from './access-check.js';
import type { OpeningContext } from './opening-context.js';

/**
 * A migration that was interrupted is started again, so each of its statements may run twice. Returns whether this pod alone
 * has created everything.
 *
 * @throws StoreError `STORE_ACCESS_DENIED`
 */
export async function migrate(context: OpeningContext, from: number, kind: TableKind): Promise<boolean> {
  const { names, statements, secrets, log, schema } = context;
  const [session] = context.sessions;
  const { version, oldestAllowed } = schema;
  let madeAll = true;
  try {
    for (const statement of schema.migrations(names, kind).slice(from, version).flat())
      madeAll = (await made(session, statement)) && madeAll;
    await session.run(statements.opening.writeSchemaInfo, JSON.stringify({ version, oldestAllowed }));
  } catch (error) {
    if (!(error instanceof DriverError) || error.code !== '003001') throw error;
    const more = '; or have an administrator run snowflakeDdl';
    const wanted = from === 0 ? 'CREATE TABLE, CREATE VIEW' : 'OWNERSHIP of the tables, CREATE TABLE, CREATE VIEW';
    throw denied(error, wanted, `SCHEMA ${names.wholeSchema}`, more, secrets);
  }
  log.info({ schemaFrom: from, schemaVersion: version }, from === 0 ? 'created the tables' : 'migrated the tables');
  return madeAll;
}

/** If two pods check at the same moment, both find nothing, and the slower one gets an error that the object exists. */
async function made(session: StatementRunner, statement: string): Promise<boolean> {
  try {
    await session.run(statement);
    return true;
  } catch (error) {
    if (error instanceof DriverError && isThereAlready(error)) return false;
    throw error;
  }
}

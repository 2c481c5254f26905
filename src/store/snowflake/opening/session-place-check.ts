/** Checks where a session works: its warehouse, and the database and the schema of the tables. */
import { StoreError } from '../../../errors.js';
import { textOrNull } from '../rows.js';
import { DriverError, isMissing } from '../session/driver-error.js';
import { denied } from './access-check.js';
import type { OpeningContext } from './opening-context.js';

/** @throws StoreError `STORE_NO_WAREHOUSE` */
export async function refuseNoWarehouse({ statements, sessions: [session] }: OpeningContext): Promise<void> {
  const [row] = await session.run(statements.opening.currentWarehouse);
  if (row === undefined || textOrNull(row, 'WAREHOUSE_NAME') !== null) return;
  const role = textOrNull(row, 'ROLE_NAME') ?? '';
  throw new StoreError(
    'STORE_NO_WAREHOUSE',
    `the session has no warehouse: the connection names none, or it does not exist, or USAGE on it is not granted to the role ${role}`,
    false,
  );
}

/** A table is missing: if its database or its schema is missing, names that instead. @throws StoreError `STORE_ACCESS_DENIED` */
export async function refuseMissingPlace(context: OpeningContext): Promise<void> {
  const { names, statements, options, secrets } = context;
  const [session] = context.sessions;
  const places = [
    [statements.opening.useDatabase, `DATABASE ${names.database}`],
    [statements.opening.useSchema, `SCHEMA ${names.wholeSchema}`],
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

function hint({ database, schema }: OpeningContext['options']): string {
  return database === database.toUpperCase() && schema === schema.toUpperCase()
    ? '; or it does not exist'
    : '; or it does not exist: names are case-sensitive here, and most are in capitals';
}

/**
 * Opens the tables: they exist, in a version that this code may write and of the kind asked for, and the role has every
 * privilege that a pod needs.
 *
 * Invariants:
 * - What is missing is named at once, with the grant that fixes it.
 * - A pod that has created all tables owns them. For every other pod, each privilege is tried by a statement that changes
 *   nothing.
 * - Several pods may open at once. A table that another pod has created meanwhile counts as created, whatever the server
 *   answers.
 * - The rows of SCHEMA_INFO may be read late. If the table exists, and its version is too old for a role that may not migrate
 *   it, it is read once more before that is believed.
 */
import { StoreError } from '../../../errors.js';
import { number } from '../rows.js';
import type { TableKind } from '../schema.js';
import { schemaNewer } from '../schema-version-guard.js';
import { DriverError, isAltered, isMissing } from '../session/driver-error.js';
import { checkAccess, denied, refuseAltered } from './access-check.js';
import { refuseCollations } from './collation-check.js';
import { missingColumns, refuseForeignTables } from './column-check.js';
import { migrate } from './migration.js';
import type { OpeningContext } from './opening-context.js';
import { refuseMissingPlace, refuseNoWarehouse } from './session-place-check.js';
import { kindForTables, refuseOtherKinds } from './table-kinds.js';

/** What SCHEMA_INFO says. */
interface Versions {
  /** The version that the tables have been brought to; 0 if there are none. */
  readonly newest: number;
  readonly oldestAllowed: number;
  /** Whether SCHEMA_INFO exists. */
  readonly exists: boolean;
}

/** Returns the oldest version that may write the tables. @throws StoreError */
export async function openTables(context: OpeningContext): Promise<number> {
  const { schema } = context;
  await refuseNoWarehouse(context);
  let versions = await versionsOf(context);
  refuseNewer(context, versions);
  const kind = await kindForTables(context, versions.newest < schema.version);
  let isOurs = false;
  if (versions.newest < schema.version) {
    try {
      isOurs = await bringUpToDate(context, versions, kind);
    } catch (error) {
      versions = await readAgain(context, versions, error);
      refuseNewer(context, versions);
    }
  }
  if (!isOurs && context.options.checksAccess) await checkAccess(context);
  await refuseCollations(context);
  return Math.max(versions.oldestAllowed, schema.oldestAllowed);
}

function refuseNewer({ names, schema, reopening }: OpeningContext, { oldestAllowed }: Versions): void {
  if (oldestAllowed > schema.version && reopening !== true)
    throw schemaNewer(names.wholeSchema, oldestAllowed, schema.version);
}

/** Returns whether this pod has created all tables. */
async function bringUpToDate(context: OpeningContext, { newest }: Versions, kind: TableKind): Promise<boolean> {
  const { options } = context;
  if (!options.createTables) throw await outdated(context, newest);
  if (newest === 0) await refuseForeignTables(context);
  const madeAll = await migrate(context, newest, kind);
  await refuseOtherKinds(context); // another pod may have created some of them
  return madeAll && newest === 0;
}

/** The versions once late reads are over, if those that were read made opening fail; else throws the error. */
async function readAgain(context: OpeningContext, read: Versions, error: unknown): Promise<Versions> {
  const { schema, lateReads } = context;
  const isDenied = error instanceof StoreError && error.code === 'STORE_ACCESS_DENIED';
  if (!isDenied || !read.exists || !lateReads.arePossible) throw error;
  await lateReads.waitOut();
  const again = await versionsOf(context);
  if (again.newest < schema.version) throw error;
  return again;
}

async function outdated(context: OpeningContext, version: number): Promise<StoreError> {
  const missing = await missingColumns(context);
  const named = missing.length === 0 ? '' : `. Missing: column ${missing.join(', column ')}`;
  const message = `the tables have schema version ${version}, and this process needs ${context.schema.version}: have an administrator run the text of snowflakeDdl${named}`;
  return new StoreError('STORE_ACCESS_DENIED', message, false);
}

async function versionsOf(context: OpeningContext): Promise<Versions> {
  const { options, names, statements, secrets } = context;
  const [session] = context.sessions;
  try {
    const [row] = await session.run(statements.opening.readSchemaInfo);
    return { newest: number(row, 'NEWEST'), oldestAllowed: number(row, 'OLDEST'), exists: true };
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    if (error.code === '003001') throw denied(error, 'SELECT', names.schemaInfo, '', secrets);
    if (isAltered(error)) await refuseAltered(context, session, 'schemaInfo');
    if (!isMissing(error)) throw error;
    await refuseMissingPlace(context);
    if (options.createTables) return { newest: 0, oldestAllowed: 0, exists: false };
    throw denied(error, 'SELECT', names.schemaInfo, '; or snowflakeDdl has not been run', secrets);
  }
}

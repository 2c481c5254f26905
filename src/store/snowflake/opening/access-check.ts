/**
 * Checks whether the role may do with each table what a pod does.
 *
 * Invariant: each privilege is tried by a statement of its own that changes nothing, because the server does not say which of
 * several privileges is missing.
 */
import { StoreError } from '../../../errors.js';
import { GRANTS } from '../schema.js';
import { DriverError, isAltered, isMissing, isRefused } from '../session/driver-error.js';
import { storeError } from '../session/error-mapping.js';
import type { Secrets } from '../session/secrets.js';
import type { StatementRunner } from '../session/session-interface.js';
import { checkColumns } from './column-check.js';
import type { Tables } from '../table-names.js';
import type { OpeningContext } from './opening-context.js';
import type { Probe } from './statements.js';

/** Each session tries a share of the privileges. The first failure is thrown once all have ended. @throws StoreError */
export async function checkAccess(context: OpeningContext): Promise<void> {
  const { sessions, statements } = context;
  const needed = statements.opening.probes.filter(({ table, privilege }) => GRANTS[table].includes(privilege));
  const shares = sessions.map(async (session, at) => {
    const share = needed.filter((_, i) => i % sessions.length === at);
    for (const probe of share) await tryOut(context, session, probe);
  });
  const failed = (await Promise.allSettled(shares)).find((each) => each.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** Names what a table lacks, if anything. @throws StoreError */
export async function refuseAltered(
  context: OpeningContext,
  session: StatementRunner,
  table: keyof Tables,
): Promise<void> {
  const { probes } = context.statements.opening;
  const probe = probes.find((one) => one.privilege === 'SELECT' && one.table === table);
  if (probe !== undefined) await tryOut(context, session, probe);
}

/** Tries one privilege. @throws StoreError */
export async function tryOut(context: OpeningContext, session: StatementRunner, probe: Probe): Promise<void> {
  const { names, secrets } = context;
  const { privilege, table, text } = probe;
  try {
    if (privilege === 'SELECT') await checkColumns(context, session, probe);
    else await session.run(text);
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    if (error.code === '003001') throw denied(error, privilege, names[table], '', secrets);
    if (privilege === 'INSERT' && isRefused(error)) throw takesNoRows(error, names[table], secrets);
    if (privilege !== 'SELECT' && isAltered(error)) await refuseAltered(context, session, table);
    if (isMissing(error))
      throw denied(error, GRANTS[table].join(', '), names[table], '; or the table is gone', secrets);
    throw error;
  }
}

/** For example, somebody has added a column that must have a value. */
function takesNoRows(error: DriverError, table: string, secrets: Secrets): StoreError {
  const message = `${table} is not as it was made: it takes no rows with our columns alone. ${storeError(error, secrets).message}`;
  return new StoreError('STORE_ALTERED', message, false, { cause: error });
}

/** Names the missing grant, and what the server answered. */
export function denied(error: DriverError, privilege: string, on: string, more: string, secrets: Secrets): StoreError {
  const { message } = storeError(error, secrets);
  return new StoreError('STORE_ACCESS_DENIED', `missing: ${privilege} on ${on}${more}. ${message}`, false, {
    cause: error,
  });
}

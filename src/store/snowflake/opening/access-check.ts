/**
 * Probing: whether the role may do with each table what a pod does, and whether each is as it was made.
 *
 * Invariants:
 * - Each privilege is tried by a statement of its own that changes nothing, because the server does not say which of
 *   several is missing. The SELECT also shows the columns.
 * - Everything that a table lacks is named in one error. Columns beyond ours are ignored, unless an INSERT without them
 *   fails.
 */
import { StoreError } from '../../../errors.js';
import { DriverError, isAltered, isMissing, isRefused } from '../session/driver-error.js';
import { storeError } from '../session/error-mapping.js';
import type { Names, Tables } from '../table-names.js';
import { text } from '../rows.js';
import { GRANTS, type Schema } from '../schema.js';
import type { Secrets } from '../session/secrets.js';
import type { StatementRunner } from '../session/session.js';
import type { Probe } from '../statements.js';

export interface AccessCheckParts {
  readonly names: Names;
  readonly schema: Schema;
  readonly secrets: Secrets;
  readonly probes: readonly Probe[];
}

/** What the role needs. Each session tries a share; nothing is under way any more when the first failure is told. @throws StoreError */
export async function probe(parts: AccessCheckParts, sessions: readonly StatementRunner[]): Promise<void> {
  const needed = parts.probes.filter(({ table, privilege }) => GRANTS[table].includes(privilege));
  const shares = sessions.map(async (session, at) => {
    const share = needed.filter((_, i) => i % sessions.length === at);
    for (const one of share) await tryOut(parts, session, one);
  });
  const failed = (await Promise.allSettled(shares)).find((each) => each.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** Refuses tables of another origin that stand where ours are to be made. @throws StoreError `STORE_ALTERED` */
export async function refuseStrangers(parts: AccessCheckParts, session: StatementRunner): Promise<void> {
  for (const one of parts.probes.filter(({ privilege }) => privilege === 'SELECT')) {
    const wrong = await wrongColumns(parts, session, one).catch((error: unknown) => {
      if (error instanceof DriverError && isMissing(error)) return [];
      throw error;
    });
    if (wrong.length === 0) continue;
    throw new StoreError(
      'STORE_ALTERED',
      `${parts.names[one.table]} is there already, and is none of this version's (${wrong.join(', ')}): ` +
        'set another schema, or a tablePrefix. Nothing has been changed',
      false,
    );
  }
}

/** Says what of a table is not as it was made, if anything is. @throws StoreError `STORE_ALTERED` */
export async function refuseAltered(
  parts: AccessCheckParts,
  session: StatementRunner,
  table: keyof Tables,
): Promise<void> {
  const look = parts.probes.find((one) => one.privilege === 'SELECT' && one.table === table);
  if (look !== undefined) await tryOut(parts, session, look);
}

async function tryOut(parts: AccessCheckParts, session: StatementRunner, one: Probe): Promise<void> {
  const { names, secrets } = parts;
  const { privilege, table, text } = one;
  try {
    if (privilege !== 'SELECT') return void (await session.run(text));
    const wrong = await wrongColumns(parts, session, one);
    if (wrong.length === 0) return;
    const told = `${names[table]} is not as it was made: ${wrong.join(', ')}`;
    throw new StoreError('STORE_ALTERED', told, false);
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    if (error.code === '003001') throw denied(error, privilege, names[table], '', secrets);
    if (privilege === 'INSERT' && isRefused(error)) throw takesNoRows(error, names[table], secrets);
    if (privilege !== 'SELECT' && isAltered(error)) await refuseAltered(parts, session, table);
    if (isMissing(error))
      throw denied(error, GRANTS[table].join(', '), names[table], '; or the table is gone', secrets);
    throw error;
  }
}

/** Such as a column that somebody has added, and that must have a value. */
function takesNoRows(error: DriverError, table: string, secrets: Secrets): StoreError {
  const told = `${table} is not as it was made: it takes no rows with our columns alone. ${storeError(error, secrets).message}`;
  return new StoreError('STORE_ALTERED', told, false, { cause: error });
}

/** The driver's words for the types that we use. */
const KINDS: Readonly<Record<string, string>> = {
  NUMBER: 'fixed',
  VARCHAR: 'text',
  VARIANT: 'variant',
  TIMESTAMP_NTZ: 'timestamp_ntz',
};

async function wrongColumns({ schema }: AccessCheckParts, session: StatementRunner, look: Probe): Promise<string[]> {
  const rows = await session.run(look.text, undefined, { described: true });
  const kinds = new Map(rows.map((row) => [text(row, 'NAME'), text(row, 'KIND')]));
  return Object.entries(schema.tables[look.table]).flatMap(([name, type]) => {
    const column = name.toUpperCase();
    const [word = ''] = /^\w+/.exec(type) ?? [];
    const kind = kinds.get(column);
    if (kind === undefined) return [`column ${column} is missing`];
    return kind === KINDS[word] ? [] : [`column ${column} is ${kind}, not ${word}`];
  });
}

/** What is to be granted, and what the server has said. */
export function denied(error: DriverError, privilege: string, on: string, more: string, secrets: Secrets): StoreError {
  const { message } = storeError(error, secrets);
  return new StoreError('STORE_ACCESS_DENIED', `missing: ${privilege} on ${on}${more}. ${message}`, false, {
    cause: error,
  });
}

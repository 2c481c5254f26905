/**
 * Checks whether tables have the columns that this code expects.
 *
 * Invariant: everything that a table lacks is named in one error, with the statement that adds it if a migration does. Other columns
 * are ignored.
 */
import { StoreError } from '../../../errors.js';
import { text } from '../rows.js';
import { addedColumns } from '../schema.js';
import { DriverError, noneIfMissing } from '../session/driver-error.js';
import type { StatementRunner } from '../session/session-interface.js';
import type { OpeningContext } from './opening-context.js';
import type { Probe } from './statements.js';

/** Refuses tables that this library did not make, where its own have to be created. @throws StoreError `STORE_ALTERED` */
export async function refuseForeignTables(context: OpeningContext): Promise<void> {
  const [session] = context.sessions;
  for (const probe of context.statements.opening.probes.filter(({ privilege }) => privilege === 'SELECT')) {
    const wrong = await wrongColumns(context, session, probe).catch(noneIfMissing);
    if (wrong.length === 0) continue;
    throw new StoreError(
      'STORE_ALTERED',
      `${context.names[probe.table]} exists already, and this version of fleet-q did not make it (${wrong.join(', ')}): ` +
        'set another schema, or a tablePrefix. Nothing has been changed',
      false,
    );
  }
}

/** @param probe the SELECT of the table @throws StoreError `STORE_ALTERED`, DriverError */
export async function checkColumns(context: OpeningContext, session: StatementRunner, probe: Probe): Promise<void> {
  const wrong = await wrongColumns(context, session, probe);
  if (wrong.length === 0) return;
  const remedies = addedColumns(context.schema, context.names, probe.table).filter(({ column }) =>
    wrong.includes(isMissing(column)),
  );
  const run = remedies.length === 0 ? '' : `. Run ${remedies.map(({ statement }) => statement).join('; ')}`;
  const message = `${context.names[probe.table]} is not as it was made: ${wrong.join(', ')}${run}`;
  throw new StoreError('STORE_ALTERED', message, false);
}

/** The columns that a newer version has added and these tables lack, for people. Tables that cannot be read are left out. */
export async function missingColumns(context: OpeningContext): Promise<string[]> {
  const { names, statements, sessions } = context;
  const [session] = sessions;
  const missing: string[] = [];
  for (const probe of statements.opening.probes.filter(({ privilege }) => privilege === 'SELECT')) {
    const added = addedColumns(context.schema, context.names, probe.table);
    if (added.length === 0) continue;
    const wrong = await wrongColumns(context, session, probe).catch(noneIfRefused);
    const lacking = added.filter(({ column }) => wrong.includes(isMissing(column)));
    missing.push(...lacking.map(({ column }) => `${column.toUpperCase()} of ${names[probe.table]}`));
  }
  return missing;
}

function noneIfRefused(error: unknown): readonly string[] {
  if (error instanceof DriverError) return [];
  throw error;
}

const isMissing = (column: string): string => `column ${column.toUpperCase()} is missing`;

/** The driver's words for the types that we use. */
const KINDS: Readonly<Record<string, string>> = {
  NUMBER: 'fixed',
  VARCHAR: 'text',
  VARIANT: 'variant',
  TIMESTAMP_NTZ: 'timestamp_ntz',
};

async function wrongColumns({ schema }: OpeningContext, session: StatementRunner, probe: Probe): Promise<string[]> {
  const rows = await session.run(probe.text, undefined, { described: true });
  const kinds = new Map(rows.map((row) => [text(row, 'NAME'), text(row, 'KIND')]));
  return Object.entries(schema.tables[probe.table]).flatMap(([name, type]) => {
    const column = name.toUpperCase();
    const [word = ''] = /^\w+/.exec(type) ?? [];
    const kind = kinds.get(column);
    if (kind === undefined) return [isMissing(name)];
    return kind === KINDS[word] ? [] : [`column ${column} is ${kind}, not ${word}`];
  });
}

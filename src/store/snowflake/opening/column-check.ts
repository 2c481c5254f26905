/**
 * Checks whether tables have the columns that this code expects.
 *
 * Invariant: everything that a table lacks is named in one error. Other columns are ignored.
 */
import { StoreError } from '../../../errors.js';
import { text } from '../rows.js';
import { noneIfMissing } from '../session/driver-error.js';
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
  const message = `${context.names[probe.table]} is not as it was made: ${wrong.join(', ')}`;
  throw new StoreError('STORE_ALTERED', message, false);
}

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
    if (kind === undefined) return [`column ${column} is missing`];
    return kind === KINDS[word] ? [] : [`column ${column} is ${kind}, not ${word}`];
  });
}

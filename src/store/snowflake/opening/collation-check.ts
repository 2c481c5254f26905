/**
 * Refuses tables that compare text by a collation. Such tables were made by other means than this library, or by a version of
 * it that let them inherit a collation.
 */
import { StoreError } from '../../../errors.js';
import type { Tables } from '../table-names.js';
import { number, text } from '../rows.js';
import type { OpeningContext } from './opening-context.js';

/** @throws StoreError `STORE_ALTERED` */
export async function refuseCollations({ names, statements, sessions: [session] }: OpeningContext): Promise<void> {
  const rows = await session.run(statements.opening.collated);
  const collated = rows
    .filter((row) => number(row, 'COLLATED') === 1)
    .map((row) => names[text(row, 'ITS_TABLE') as keyof Tables]);
  if (collated.length === 0) return;
  throw new StoreError(
    'STORE_ALTERED',
    `columns of ${collated.join(', ')} have a collation, under which different ids or step types may count as equal. ` +
      "Snowflake cannot remove it from a column: create new tables with DEFAULT_DDL_COLLATION = '', and copy the rows",
    false,
  );
}

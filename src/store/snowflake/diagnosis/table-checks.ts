/** The checks of the tables: whether they are as fleet-q made them, and what the role may do with them. */
import { StoreError } from '../../../errors.js';
import { ADVICE } from '../../diagnosis/advice.js';
import { checks, failure, ok, warning, type Check, type Observation } from '../../diagnosis/check.js';
import { failureOf } from '../../diagnosis/run-checks.js';
import { tryOut } from '../opening/access-check.js';
import { refuseCollations } from '../opening/collation-check.js';
import { kindOf } from '../opening/table-kinds.js';
import { number, text } from '../rows.js';
import { GRANTS, SCHEMA, TABLES } from '../schema.js';
import { noneIfMissing } from '../session/driver-error.js';
import type { Row } from '../session/session-interface.js';
import type { Tables } from '../table-names.js';
import type { AccountContext } from './account-context.js';

/** The hot table should hold what is pending or has just ended. Each UPDATE reads it. */
const MANY_ROWS = 1_000_000;

const TO_MIGRATE =
  'The first pod of this version migrates the tables if createTables is on; otherwise have an administrator run the text ' +
  'of fleet-q ddl. Pods of the older version go on.';

export const TABLE_CHECKS = checks<AccountContext>([
  {
    check: 'schema-version',
    why: 'Tables that a newer fleet-q has migrated may be ones that this version must not write.',
    look: async (context) => {
      const { opening, options } = context.parts;
      const version = SCHEMA.version;
      const [row] = await context.run(opening.statements.opening.readSchemaInfo).catch(noneIfMissing);
      const newest = number(row, 'NEWEST');
      if (newest === 0) return missing(options.createTables);
      const oldest = number(row, 'OLDEST');
      const message = `Version ${newest}; this fleet-q knows ${version}.`;
      if (oldest > version) return failure(message, ADVICE.STORE_SCHEMA_NEWER);
      if (newest >= version) return ok(message);
      return warning(message, TO_MIGRATE);
    },
  },
  {
    check: 'collation',
    why: 'Under a collation, different ids or step types may count as equal.',
    look: async (context) => {
      if ((await context.tables()).size === 0) return undefined;
      return refusals(() => refuseCollations(context.parts.opening), 'Text is compared byte by byte.');
    },
  },
  {
    check: 'table-kind',
    why: 'A transient table has no fail-safe. Hybrid and temporary tables are not supported.',
    look: (context) =>
      ofTables(context, (tables) => {
        const { tableKind } = context.parts.options;
        const kinds = tables.map(({ name, row }) => [name, kindOf(row)] as const);
        const odd = kinds.filter(
          ([, kind]) => !['transient', 'permanent'].includes(kind) || (tableKind ?? kind) !== kind,
        );
        const all = [...new Set(kinds.map(([, kind]) => kind))];
        if (odd.length > 0) {
          const named = odd.map(([name, kind]) => `${name} is ${kind}`).join(', ');
          const message = `STORE_TABLE_KIND: ${named}; expected ${tableKind ?? 'transient or permanent'}.`;
          return failure(message, ADVICE.STORE_TABLE_KIND);
        }
        if (all.length === 1) return ok(`All tables are ${all.join()}.`);
        return warning('Some tables are transient, and some permanent.', 'Copy the rows to tables of one kind.');
      }),
  },
  {
    check: 'time-travel',
    why: 'Each small change rewrites a micro-partition. With time travel Snowflake keeps and bills all of them.',
    look: (context) =>
      ofTables(context, (tables) => {
        const kept = tables.filter(({ row }) => number(row, 'retention_time') > 0);
        if (kept.length === 0) return ok('It is off for all tables.');
        const named = kept.map(({ name, row }) => `${number(row, 'retention_time')} days for ${name}`).join(', ');
        return warning(`It is on: ${named}.`, 'Set DATA_RETENTION_TIME_IN_DAYS = 0 on these tables.');
      }),
  },
  {
    check: 'change-tracking',
    why: 'Streams and automatic clustering work on every change of the tables, which are many, and are billed.',
    look: (context) =>
      ofTables(context, (tables, { stepTracker, stepArchive }) => {
        const on = (column: string): string[] =>
          tables.filter(({ row }) => text(row, column).toUpperCase() === 'ON').map(({ name }) => name);
        const [tracked, clustered] = [on('change_tracking'), on('automatic_clustering')];
        if (tracked.length + clustered.length === 0) return ok('Both are off.');
        const parts = [
          ...(tracked.length > 0 ? [`change tracking is on for ${tracked.join(', ')}`] : []),
          ...(clustered.length > 0 ? [`automatic clustering is on for ${clustered.join(', ')}`] : []),
        ];
        return warning(`${parts.join('; ')}.`, `Turn it off, and read ${stepArchive} instead of ${stepTracker}.`);
      }),
  },
  {
    check: 'hot-table-size',
    why: 'Each UPDATE reads STEP_TRACKER. Ended steps move to STEP_ARCHIVE, so it stays small.',
    look: (context) =>
      ofTables(context, (tables, { stepTracker }) => {
        const rows = number(tables.find(({ name }) => name === stepTracker)?.row, 'rows');
        const message = `${stepTracker} has ${rows} rows.`;
        if (rows < MANY_ROWS) return ok(message);
        return warning(message, 'Look at the leader: it moves ended steps. Many pending steps need more pods.');
      }),
  },
  ...TABLES.map((table): Check<AccountContext> => ({
    check: `grants-${table.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    why: `A pod needs ${GRANTS[table].join(', ')} on this table, with the columns that fleet-q made.`,
    look: (context) => grants(context, table),
  })),
]);

/** Each privilege is tried, because SHOW GRANTS omits what comes from other roles. The statements change nothing. */
async function grants(context: AccountContext, table: (typeof TABLES)[number]): Promise<Observation | undefined> {
  if (!(await context.tables()).has(table)) return undefined;
  const { opening, session } = context.parts;
  const { names, statements } = opening;
  const needed = statements.opening.probes.filter((probe) => probe.table === table);
  const probes = needed.filter(({ privilege }) => GRANTS[table].includes(privilege));
  const tried = async (): Promise<void> => {
    for (const probe of probes) await tryOut(opening, session, probe);
  };
  return refusals(tried, `${GRANTS[table].join(', ')} on ${names.plain[table]} are granted.`);
}

/** What opening would refuse is a failure. */
async function refusals(check: () => Promise<void>, otherwise: string): Promise<Observation> {
  try {
    await check();
    return ok(otherwise);
  } catch (error) {
    if (error instanceof StoreError && !error.transient) return failureOf(error);
    throw error;
  }
}

/** @param look gets the tables that exist, and the names of all */
async function ofTables(
  context: AccountContext,
  look: (tables: readonly { readonly name: string; readonly row: Row }[], names: Tables) => Observation,
): Promise<Observation | undefined> {
  const tables = await context.tables();
  if (tables.size === 0) return undefined;
  const { plain } = context.parts.opening.names;
  const named = [...tables].map(([table, row]) => ({ name: plain[table], row }));
  return look(named, plain);
}

function missing(createTables: boolean): Observation {
  const message = 'There are no tables yet, or the role may not see them.';
  if (createTables) return warning(message, 'Nothing, if the place is right: the first pod creates them.');
  return failure(message, 'Have an administrator run the text of fleet-q ddl, and check database and schema.');
}

/** The models of the statements that need no warehouse, and of those that open the store. */
import type { StatementModel } from '../tables.js';
import { number, path } from '../values.js';

export const pulse: StatementModel = (_, { changeToken }) => ({ rows: [{ TOKEN: changeToken }] });

export const census: StatementModel = (view) => ({ rows: [{ ROW_COUNT: view.stepCount() }] });

export const readSchemaInfo: StatementModel = (view) => {
  let [newest, oldest]: (number | null)[] = [null, null];
  for (const { version, oldest_allowed } of view.schemaInfo()) {
    newest = Math.max(newest ?? version, version);
    oldest = Math.max(oldest ?? oldest_allowed, oldest_allowed);
  }
  return { rows: [{ NEWEST: newest, OLDEST: oldest }] };
};

export const writeSchemaInfo: StatementModel = (_, { now, bind }) => ({
  rows: [],
  insertSchemaInfo: [
    {
      version: number(path(bind, 'version')) ?? 0,
      oldest_allowed: number(path(bind, 'oldestAllowed')) ?? 0,
      at_ts: now,
    },
  ],
});

export const currentWarehouse: StatementModel = () => ({
  rows: [{ WAREHOUSE_NAME: 'MODELLED', ROLE_NAME: 'FLEET_Q' }],
});

/** What a statement answers that changes nothing here. */
export const succeeds: StatementModel = () => ({ rows: [{ status: 'Statement executed successfully.' }] });

export const nothing: StatementModel = () => ({ rows: [] });

/** SHOW TABLES of one that is there. Its columns are in small letters. */
export const shows =
  (name: string, place: { readonly database: string; readonly schema: string }): StatementModel =>
  () => ({
    rows: [
      { name, database_name: place.database, schema_name: place.schema, kind: 'TRANSIENT', is_hybrid: 'N', rows: 0 },
    ],
  });

/** That no column of these tables has a collation. */
export const uncollated =
  (tables: readonly string[]): StatementModel =>
  () => ({ rows: tables.map((ITS_TABLE) => ({ ITS_TABLE, COLLATED: 0 })) });

/** The statements that open the store. The modelled tables are there already, in the form that this version makes. */
import type { Statements } from '../../../../src/store/snowflake/statements.js';
import { migrations, SCHEMA, TABLE_KINDS, TABLES } from '../../../../src/store/snowflake/schema.js';
import type { Names, Place, Tables } from '../../../../src/store/snowflake/table-names.js';
import { changing, free, inserts, select, type Known, type KnownStatement, type Named } from './known-statement.js';
import * as store from './store.js';

export function opening(names: Names, { opening: texts }: Statements, place: Place): readonly Named[] {
  return [
    ['opening.readSchemaInfo', texts.readSchemaInfo, select(store.readSchemaInfo)],
    ['opening.writeSchemaInfo', texts.writeSchemaInfo, inserts('schemaInfo', store.writeSchemaInfo)],
    ['opening.currentWarehouse', texts.currentWarehouse, free(store.currentWarehouse)],
    ['opening.useDatabase', texts.useDatabase, { kind: 'session', table: undefined, model: store.succeeds }],
    ['opening.useSchema', texts.useSchema, { kind: 'session', table: undefined, model: store.succeeds }],
    ['opening.collated', texts.collated, select(store.uncollated(TABLES.filter((table) => table !== 'schemaInfo')))],
    ...texts.probes.map(({ privilege, table, text }): Named => [
      `opening.probe.${privilege}.${table}`,
      text,
      probe(privilege, table),
    ]),
    ...texts.kinds.map(({ table, text }): Named => [
      `opening.kind.${table}`,
      text,
      free(store.shows(names.plain[table], place)),
    ]),
    ...TABLE_KINDS.flatMap((kind) => migrations(names, kind).flat()).map((text): Named => [
      'opening.migration',
      text,
      free(store.succeeds),
    ]),
  ];
}

function probe(privilege: 'SELECT' | 'INSERT' | 'UPDATE' | 'DELETE', table: keyof Tables): Known {
  if (privilege === 'SELECT') return { ...select(store.nothing), columns: columnsOf(table) };
  return changing(PROBES[privilege])(table, store.nothing);
}
const PROBES = { INSERT: 'insert', UPDATE: 'update', DELETE: 'delete' } as const;

/** The driver's words for types. */
const DRIVER_TYPES: Readonly<Record<string, string>> = {
  NUMBER: 'fixed',
  VARCHAR: 'text',
  VARIANT: 'variant',
  TIMESTAMP_NTZ: 'timestamp_ntz',
};

function columnsOf(table: keyof Tables): NonNullable<KnownStatement['columns']> {
  return Object.entries(SCHEMA.tables[table]).map(([name, type]) => ({
    name: name.toUpperCase(),
    type: DRIVER_TYPES[/^\w+/.exec(type)?.[0] ?? ''] ?? '',
  }));
}

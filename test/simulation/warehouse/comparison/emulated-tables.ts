/**
 * The real tables in the emulator: loads a state into them, runs a text on them at an instant, and reads them.
 *
 * It sends its statements to the emulator itself, past driver and proxy, because thousands of states are tried.
 *
 * Each table has a companion with another name: what the source of a statement reads, if that is older than its target.
 */
import { migrations, SCHEMA } from '../../../../src/store/snowflake/schema.js';
import { statementsOf, type Statements } from '../../../../src/store/snowflake/statements.js';
import { namesOf, type Names, type Place, type Tables } from '../../../../src/store/snowflake/table-names.js';
import { reachEmulator, type Emulator } from '../../../support/fakesnow/emulator.js';
import { Upstream, type TableShape } from '../../../support/warehouse/emulator-client.js';
import type { Reply } from '../../../support/warehouse/wire-replies.js';
import { cellOf, type Cell } from './cells.js';
import { TABLES, type State } from './state.js';

/** A name of this shape keeps the emulator's translations for others: see translation.py. */
const PLACE: Place = { database: 'MODEL_00000001', schema: 'TABLES_00000001', tablePrefix: '' };
const NAMES = namesOf(PLACE);
const OLD_NAMES = namesOf({ ...PLACE, tablePrefix: 'OLD_' });

const STORED = {
  steps: 'stepTracker',
  archive: 'stepArchive',
  requests: 'exchangeRequest',
  podLog: 'podLog',
  schemaInfo: 'schemaInfo',
} as const satisfies Record<keyof State, keyof Tables>;

export type AnsweredRow = Readonly<Record<string, Cell>>;

export class EmulatedTables {
  readonly place = PLACE;
  readonly statements: Statements = statementsOf(NAMES);
  readonly #emulator: Emulator;
  readonly #upstream: Upstream;
  readonly #token: string;

  private constructor(emulator: Emulator, upstream: Upstream, token: string) {
    this.#emulator = emulator;
    this.#upstream = upstream;
    this.#token = token;
  }

  static async open(): Promise<EmulatedTables> {
    const emulator = await reachEmulator();
    const upstream = new Upstream(emulator.port);
    const login = await upstream.login(undefined, undefined);
    const tables = new EmulatedTables(emulator, upstream, String(login.data?.['token']));
    await tables.#create();
    return tables;
  }

  async #create(): Promise<void> {
    await this.#query(`CREATE DATABASE IF NOT EXISTS ${PLACE.database}`);
    await this.#query(`DROP SCHEMA IF EXISTS ${PLACE.database}.${PLACE.schema}`);
    await this.#query(`CREATE SCHEMA ${PLACE.database}.${PLACE.schema}`);
    const texts = [NAMES, OLD_NAMES].flatMap((names) => migrations(names, 'transient').flat());
    for (const text of texts) if (text.startsWith('CREATE')) await this.#query(text);
  }

  /**
   * Runs a text with its bind.
   *
   * @param atMs what SYSDATE() answers, in epoch ms
   */
  async run(text: string, bind: string | undefined, atMs: number): Promise<AnsweredRow[]> {
    const { data } = await this.#query(text, bind, { atMs, refusesChance: true });
    const columns = (data?.['rowtype'] ?? []) as readonly { readonly name: string; readonly type: string }[];
    const rows = (data?.['rowset'] ?? []) as readonly (readonly (string | null)[])[];
    return rows.map((row) => Object.fromEntries(columns.map(({ name, type }, at) => [name, cellOf(row[at], type)])));
  }

  /** Puts these rows in the place of all others. */
  load(state: State): Promise<void> {
    return this.#load(state, NAMES);
  }

  /**
   * Runs the text of an INSERT, an UPDATE or a DELETE whose source is this state, whatever its target holds.
   *
   * The target is what such a text names first.
   */
  async runOn(source: State, text: string, bind: string | undefined, atMs: number): Promise<AnsweredRow[]> {
    await this.#load(source, OLD_NAMES);
    return this.run(withOldSource(text), bind, atMs);
  }

  async state(): Promise<State> {
    const tables = await this.#upstream.readTables(TABLES.map((table) => shapeOf(table, NAMES)));
    return Object.fromEntries(TABLES.map((table, at) => [table, tables[at]])) as unknown as State;
  }

  async close(): Promise<void> {
    await this.#query(`DROP SCHEMA ${PLACE.database}.${PLACE.schema}`);
    await this.#upstream.logout(this.#token);
    this.#upstream.close();
    await this.#emulator.stop();
  }

  #load(state: State, names: Names): Promise<void> {
    return this.#upstream.loadTables(
      TABLES.map((table) => ({ ...shapeOf(table, names), rows: state[table].map(withoutNulls) })),
    );
  }

  async #query(sqlText: string, bind?: string, options: object = {}): Promise<Reply> {
    const bindings = bind === undefined ? {} : { bindings: { 1: { type: 'TEXT', value: bind } } };
    const reply = await this.#upstream.query(this.#token, { sqlText, ...bindings, ...options });
    if (!reply.success) throw new Error(`${sqlText.slice(0, 200)}\n${reply.message ?? ''}`);
    return reply;
  }
}

function shapeOf(table: keyof State, names: Names): TableShape {
  const types = Object.entries(SCHEMA.tables[STORED[table]]);
  const columns = types.map(([column, type]) => [column, /^\w+/.exec(type)?.[0] ?? ''] as const);
  return { name: names[STORED[table]], columns: Object.fromEntries(columns) };
}

const withoutNulls = (row: object): object =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null));

/** The text with other tables in its source. */
function withOldSource(text: string): string {
  const tables = Object.values(STORED);
  const [target] = tables
    .filter((table) => text.includes(NAMES[table]))
    .sort((a, b) => text.indexOf(NAMES[a]) - text.indexOf(NAMES[b]));
  if (target === undefined) throw new Error(`a text without a table: ${text.slice(0, 100)}`);
  const old = tables.reduce((so, table) => so.replaceAll(NAMES[table], OLD_NAMES[table]), text);
  return old.replace(OLD_NAMES[target], NAMES[target]);
}

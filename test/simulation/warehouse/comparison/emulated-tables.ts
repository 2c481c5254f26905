/**
 * The real tables in the emulator: loads a state into them, runs a text on them at an instant, and reads them.
 *
 * It sends its statements to the emulator itself, past driver and proxy, because thousands of states are tried.
 *
 * Each table has a companion with another name: what the source of a statement reads, if that is older than its target.
 */
import { randomUUID } from 'node:crypto';
import { migrations, SCHEMA } from '../../../../src/store/snowflake/schema.js';
import { statementsOf, type Statements } from '../../../../src/store/snowflake/statements.js';
import { namesOf, type Names, type Place, type Tables } from '../../../../src/store/snowflake/table-names.js';
import { reachEmulator, type Emulator } from '../../../support/fakesnow/emulator.js';
import { Upstream, type TableShape } from '../../../support/warehouse/emulator-client.js';
import type { Reply } from '../../../support/warehouse/wire-replies.js';
import { cellOf, type Cell } from './cells.js';
import { TABLES, type State } from './state.js';

const STORED = {
  steps: 'stepTracker',
  archive: 'stepArchive',
  requests: 'exchangeRequest',
  podLog: 'podLog',
  schemaInfo: 'schemaInfo',
} as const satisfies Record<keyof State, keyof Tables>;

export type AnsweredRow = Readonly<Record<string, Cell>>;

export class EmulatedTables {
  readonly place: Place;
  readonly statements: Statements;
  readonly #names: Names;
  readonly #oldNames: Names;
  readonly #emulator: Emulator;
  readonly #upstream: Upstream;
  readonly #token: string;

  private constructor(emulator: Emulator, upstream: Upstream, token: string) {
    this.#emulator = emulator;
    this.#upstream = upstream;
    this.#token = token;
    // Of this shape, the emulator's translations are kept without it: see translation.py.
    const random = randomUUID().slice(0, 8).toUpperCase();
    this.place = { database: `MODEL_${random}`, schema: `TABLES_${random}`, tablePrefix: '' };
    this.#names = namesOf(this.place);
    this.#oldNames = namesOf({ ...this.place, tablePrefix: 'OLD_' });
    this.statements = statementsOf(this.#names);
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
    const { database, schema } = this.place;
    await this.#query(`CREATE DATABASE ${database}`);
    await this.#query(`CREATE SCHEMA ${database}.${schema}`);
    const texts = [this.#names, this.#oldNames].flatMap((names) => migrations(names, 'transient').flat());
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
    return this.#load(state, this.#names);
  }

  /**
   * Runs the text of an INSERT, an UPDATE or a DELETE whose source is this state, whatever its target holds.
   *
   * The target is what such a text names first.
   */
  async runOn(source: State, text: string, bind: string | undefined, atMs: number): Promise<AnsweredRow[]> {
    await this.#load(source, this.#oldNames);
    return this.run(this.#withOldSource(text), bind, atMs);
  }

  async state(): Promise<State> {
    const tables = await this.#upstream.readTables(TABLES.map((table) => shapeOf(table, this.#names)));
    return Object.fromEntries(TABLES.map((table, at) => [table, tables[at]])) as unknown as State;
  }

  async close(): Promise<void> {
    await this.#query(`DROP SCHEMA ${this.place.database}.${this.place.schema}`);
    await this.#upstream.logout(this.#token);
    this.#upstream.close();
    await this.#emulator.stop();
  }

  #load(state: State, names: Names): Promise<void> {
    return this.#upstream.loadTables(
      TABLES.map((table) => ({ ...shapeOf(table, names), rows: state[table].map(withoutNulls) })),
    );
  }

  /** The text with other tables in its source. */
  #withOldSource(text: string): string {
    const [names, old] = [this.#names, this.#oldNames];
    const tables = Object.values(STORED).filter((table) => text.includes(names[table]));
    const [target] = tables.sort((a, b) => text.indexOf(names[a]) - text.indexOf(names[b]));
    if (target === undefined) throw new Error(`a text without a table: ${text.slice(0, 100)}`);
    return tables
      .reduce((so, table) => so.replaceAll(names[table], old[table]), text)
      .replace(old[target], names[target]);
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

/**
 * What measurements share: sessions, tables of their own, the library's tables, and the warehouse.
 *
 * Invariants:
 * - Every object is in the schema of this check.
 * - A session is handed out with no open transaction, and with the settings of the library's sessions.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { migrations } from '../../src/store/snowflake/schema.js';
import { sessionSettings } from '../../src/store/snowflake/session/statements.js';
import { statementsOf, type Statements } from '../../src/store/snowflake/statements.js';
import { identifier, likePattern, literal, namesOf, type Names } from '../../src/store/snowflake/table-names.js';
import type { Connect, LiveSession, Row } from './session.js';
import type { Place } from './schema.js';
import type { Warehouse } from './warehouse.js';

const QUERY_TAG = 'fleet-q-live';
const STATEMENT_SECONDS = 120;

export interface LiveAccountOptions {
  readonly connect: Connect;
  readonly place: Place;
  readonly warehouse: Warehouse;
  /** Whether `ALTER WAREHOUSE` may be sent. */
  readonly mayAlterWarehouse: boolean;
  /** Aborts when the check is to end. */
  readonly signal: AbortSignal;
  readonly resumed: () => void;
  readonly log: (line: string) => void;
}

/** What a suspended warehouse did when the change token and the number of rows were read. */
export interface AtRest {
  readonly answered: boolean;
  readonly stateAfter: string;
}

/** A row of QUERY_HISTORY_BY_SESSION, with what is used of it. */
export interface QueryHistory {
  readonly compileMs: number;
  readonly executionMs: number;
  readonly cloudCredits: number;
  /** Whether the statement used a warehouse. */
  readonly usedWarehouse: boolean;
}

export class LiveAccount {
  readonly #options: LiveAccountOptions;
  readonly #sessions: Promise<LiveSession>[] = [];
  #tables = 0;
  #store: Promise<Statements> | undefined;
  #floorMs: number | undefined;
  #atRest: AtRest | undefined;
  #closed: Promise<void> | undefined;
  /** What gives the warehouse its setting back. */
  #restoring: (() => Promise<void>) | undefined;

  constructor(options: LiveAccountOptions) {
    this.#options = options;
  }

  get warehouse(): Warehouse {
    return this.#options.warehouse;
  }

  get mayAlterWarehouse(): boolean {
    return this.#options.mayAlterWarehouse;
  }

  /** What the warehouse did before its first use; `undefined` if it was running then. */
  get atRest(): AtRest | undefined {
    return this.#atRest;
  }

  /** If the warehouse is still suspended, asks what should not resume it. Call it before anything else. */
  async lookAtRest(): Promise<void> {
    if (this.warehouse.state !== 'SUSPENDED') return;
    const table = await this.table('at_rest', 'id VARCHAR'); // needs no warehouse
    const session = await this.session();
    const asked = [
      await session.attempt(`SELECT SYSTEM$LAST_CHANGE_COMMIT_TIME(${literal(table)}) AS token`),
      await session.attempt(`SELECT COUNT(*) AS row_count FROM ${table}`),
    ];
    const answered = asked.every(({ error }) => error === undefined);
    this.#atRest = { answered, stateAfter: await this.warehouseState(session) };
  }

  /** The names of the library's tables. They exist once `store()` has resolved. */
  get names(): Names {
    return namesOf({ ...this.#options.place, tablePrefix: '' });
  }

  /** Sessions that are opened once and shared by all measurements. */
  async sessions(count: number): Promise<readonly LiveSession[]> {
    while (this.#sessions.length < count) {
      const opening = this.#open();
      opening.catch(() => {}); // awaited below
      this.#sessions.push(opening);
    }
    return Promise.all(this.#sessions.slice(0, count));
  }

  async session(): Promise<LiveSession> {
    const [session] = await this.sessions(1);
    return session!;
  }

  /** Creates a table of its own for a measurement. @returns its full name */
  async table(word: string, columns: string): Promise<string> {
    const name = `${this.names.wholeSchema}."${word.toUpperCase()}_${++this.#tables}"`;
    await (await this.session()).run(`CREATE TRANSIENT TABLE ${name} (${columns}) DATA_RETENTION_TIME_IN_DAYS = 0`);
    return name;
  }

  /** The library's statements, on its own tables. */
  store(): Promise<Statements> {
    this.#store ??= this.#createTables();
    return this.#store;
  }

  /** The time of a statement that needs no warehouse: the network, and the services layer. */
  async floorMs(): Promise<number> {
    if (this.#floorMs !== undefined) return this.#floorMs;
    const session = await this.session();
    const times: number[] = [];
    for (let i = 0; i < 5; i++) times.push((await session.run('SELECT 1 AS one')).ms);
    return (this.#floorMs = median(times));
  }

  /** Waits long enough for a statement that was just sent to be waiting in the warehouse. */
  async settle(): Promise<void> {
    await this.pause(Math.max(500, 8 * (await this.floorMs())));
  }

  async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#options.signal });
  }

  /** Runs `work` while a transaction of `session` holds what `statement` locks. Rolls it back, unless `work` has committed. */
  async holding<T>(session: LiveSession, statement: string, work: () => Promise<T>): Promise<T> {
    await session.run('BEGIN');
    try {
      await session.run(statement);
      return await work();
    } finally {
      await session.attempt('ROLLBACK');
    }
  }

  /** What Snowflake recorded of these statements of `session`; `undefined` if it does not say. */
  async history(
    session: LiveSession,
    ids: readonly (string | undefined)[],
  ): Promise<readonly QueryHistory[] | undefined> {
    const { error, rows } = await session.attempt(
      `SELECT query_id, compilation_time, execution_time, credits_used_cloud_services, warehouse_size
FROM TABLE(${this.names.database}.INFORMATION_SCHEMA.QUERY_HISTORY_BY_SESSION(RESULT_LIMIT => 1000))`,
    );
    if (error !== undefined) return undefined;
    const found = rows.filter((row) => ids.includes(String(row['QUERY_ID'])));
    return found.length === 0 ? undefined : found.map(historyOf);
  }

  /** The state of the warehouse now, from SHOW WAREHOUSES. */
  async warehouseState(session: LiveSession): Promise<string> {
    const { rows } = await session.run(showWarehouse(this.warehouse.name));
    return (rows[0]?.['state'] as string | undefined)?.toUpperCase() ?? '';
  }

  /** Suspends the warehouse, if it runs. */
  async suspendWarehouse(): Promise<void> {
    await this.#alterWarehouse('SUSPEND').catch(() => {}); // an error if it is suspended already
  }

  /** Runs `work` under a changed setting of the warehouse, which is changed back whatever happens. */
  async withWarehouse<T>(change: string, back: string, work: () => Promise<T>): Promise<T> {
    let restored: Promise<void> | undefined;
    this.#restoring = () => (restored ??= this.#restore(back));
    try {
      await this.#alterWarehouse(change);
      return await work();
    } finally {
      await this.#restoring();
    }
  }

  /** Ends what runs, and logs out. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#restoring?.();
    await Promise.all(this.#sessions.map((opening) => opening.then((session) => session.close()).catch(() => {})));
  }

  async #restore(back: string): Promise<void> {
    try {
      await this.#alterWarehouse(back);
      this.#options.resumed();
    } catch (error) {
      this.#options.log(`The warehouse could not be changed back: ${(error as Error).message}`);
      this.#options.log(`Change it by hand: ${this.#alterStatement(back)};`);
    }
  }

  #alterStatement(change: string): string {
    return `ALTER WAREHOUSE ${identifier(this.warehouse.name)} ${change}`;
  }

  /** Over a session of its own, because the others may be closed or in the middle of a statement. */
  async #alterWarehouse(change: string): Promise<void> {
    if (!this.mayAlterWarehouse) throw new Error('ALTER WAREHOUSE needs the flag --alter-warehouse');
    const session = await this.#options.connect();
    try {
      await session.run(this.#alterStatement(change));
    } finally {
      await session.close();
    }
  }

  async #open(): Promise<LiveSession> {
    const session = await this.#options.connect();
    if (this.#closed !== undefined) {
      await session.close();
      throw new Error('the check has ended');
    }
    await session.run(sessionSettings(QUERY_TAG, STATEMENT_SECONDS));
    return session;
  }

  async #createTables(): Promise<Statements> {
    const session = await this.session();
    for (const sql of migrations(this.names, 'transient').flat()) await session.run(sql);
    return statementsOf(this.names);
  }
}

export const showWarehouse = (name: string): string => `SHOW WAREHOUSES LIKE ${likePattern(name)}`;

function historyOf(row: Row): QueryHistory {
  return {
    compileMs: Number(row['COMPILATION_TIME'] ?? 0),
    executionMs: Number(row['EXECUTION_TIME'] ?? 0),
    cloudCredits: Number(row['CREDITS_USED_CLOUD_SERVICES'] ?? 0),
    usedWarehouse: row['WAREHOUSE_SIZE'] !== null && row['WAREHOUSE_SIZE'] !== undefined,
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** How many rows an UPDATE changed. */
export const updated = ({ rows }: { readonly rows: readonly Row[] }): number =>
  Number(rows[0]?.['number of rows updated'] ?? 0);

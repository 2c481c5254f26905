/**
 * An emulated Snowflake. The proxy before it keeps the history, in a SQLite file of the same form as the other ground's.
 *
 * Invariant: statements that change steps or the log of the pods run one after the other, and after each the changed rows are read.
 * So the history has every change, in the order in which they were made.
 */
import Database from 'better-sqlite3';
import { writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Driver, type Row } from '../../support/warehouse/driver.js';
import type { Reply } from '../../support/warehouse/wire-replies.js';
import { startTestBed, type TestBed } from '../../support/warehouse/test-bed.js';
import type { Watcher } from '../../support/warehouse/watch.js';
import { createHistory, INSERT_CHANGE } from '../history.js';
import { fileIn, placeFileIn, SNOWFLAKE_SCALE } from '../settings.js';
import type { Ground } from './ground.js';

/** What the checker reads of the tables. */
const TABLES = `
CREATE TABLE STEP_TRACKER (step_id TEXT, step_type TEXT, status TEXT, version INTEGER, retry_count INTEGER, max_retries INTEGER,
  crashes INTEGER, claim_token TEXT, payload TEXT, result TEXT, error TEXT);
CREATE TABLE POD_HEALTH (incarnation TEXT, meta TEXT);
CREATE TABLE EXCHANGE_REQUEST (incarnation TEXT, requests INTEGER);
`;
const EPOCH_MS = (column: string): string =>
  `DATEDIFF(millisecond, TO_TIMESTAMP_NTZ('1970-01-01', 'YYYY-MM-DD'), ${column})`;
const STATE = `row_id, step_id, status, version, claim_token AS token, claimed_incarnation AS incarnation, retry_count AS retries,
  crashes, settled_token, settled_version, settled_by, ${EPOCH_MS('run_at')} AS run_at_ms, ${EPOCH_MS('last_update_ts')} AS updated, result`;
const ROW = `step_id, step_type, status, version, retry_count, max_retries, crashes, claim_token, payload_text, result, error`;

export class SnowflakeGround implements Ground {
  readonly scale = SNOWFLAKE_SCALE;
  readonly #bed: TestBed;
  readonly #driver: Driver;
  readonly #evidence: Database.Database;
  readonly #table: string;
  /** By row: its state after its last change. */
  readonly #states = new Map<string, Row>();
  readonly #ended = new Set<string>();
  /** Why the history has gaps. */
  #failure: Error | undefined;
  #since = 0;
  #seq = 0;
  #last: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;

  private constructor(bed: TestBed, driver: Driver, folder: string, schema: string) {
    this.#bed = bed;
    this.#driver = driver;
    this.#table = `${schema}.STEP_TRACKER`;
    this.#evidence = new Database(fileIn(folder));
    this.#evidence.pragma('synchronous = OFF');
    this.#evidence.exec(TABLES);
    createHistory(this.#evidence);
  }

  /** The processes find the place in the folder. */
  static async open(folder: string): Promise<SnowflakeGround> {
    // The statements wait for one another while they hold their slots.
    const bed = await startTestBed({ slots: { count: 1_000 } });
    try {
      const place = { ...(await bed.freshSchema()), connection: bed.connection };
      writeFileSync(placeFileIn(folder), JSON.stringify(place));
      const driver = await Driver.connect({ ...bed.connection, database: place.database, schema: place.schema });
      return new SnowflakeGround(bed, driver, folder, `${place.database}.${place.schema}`);
    } catch (error) {
      await bed.stop();
      throw error;
    }
  }

  async keepHistory(): Promise<void> {
    const watcher: Watcher = ({ statement }, run) => {
      const name = statement.table?.at(-1)?.toUpperCase();
      if (name !== 'STEP_TRACKER' && name !== 'POD_LOG') return run();
      return this.#inTurn(run, () => (name === 'POD_LOG' ? this.#noteEnds() : this.#noteChanges()));
    };
    this.#bed.proxy.watch.put(watcher);
  }

  /** As another program's UPDATE would. */
  async lock(lastsMs: number): Promise<boolean> {
    const release = await this.#bed.proxy.locks.hold(this.#table);
    await pause(lastsMs, undefined, { ref: false });
    release();
    return true;
  }

  async isWorkLeft(): Promise<boolean> {
    const left = `SELECT 1 FROM STEP_TRACKER WHERE status IN ('pending', 'claimed') LIMIT 1`;
    return (await this.#driver.run(left)).length > 0;
  }

  async collect(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    await this.#noteChanges();
    const put = this.#evidence.prepare('INSERT INTO STEP_TRACKER VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
    for (const row of await this.#driver.run(`SELECT ${ROW} FROM STEP_TRACKER`)) put.run(Object.values(row));
    const pods = `SELECT incarnation, meta_text FROM POD_LOG WHERE event = 'registered'`;
    const putPod = this.#evidence.prepare('INSERT INTO POD_HEALTH VALUES (?, ?)');
    for (const row of await this.#driver.run(pods)) putPod.run(Object.values(row));
    const asked = 'SELECT incarnation, COUNT(*) AS requests FROM EXCHANGE_REQUEST GROUP BY incarnation';
    const putAsked = this.#evidence.prepare('INSERT INTO EXCHANGE_REQUEST VALUES (?, ?)');
    for (const row of await this.#driver.run(asked)) putAsked.run(Object.values(row));
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#bed.proxy.watch.put(undefined);
    await this.#last.catch(() => {});
    await this.#driver.close();
    await this.#bed.stop();
    this.#evidence.close();
  }

  #inTurn(run: () => Promise<Reply>, note: () => Promise<void>): Promise<Reply> {
    const turn = this.#last.then(async () => {
      const reply = await run();
      if (reply.success) await note().catch((error: unknown) => (this.#failure ??= error as Error));
      return reply;
    });
    this.#last = turn.catch(() => {}); // its client gets the error
    return turn;
  }

  async #noteChanges(): Promise<void> {
    const changed = `SELECT ${STATE} FROM STEP_TRACKER WHERE ${EPOCH_MS('last_update_ts')} >= ${this.#since}`;
    const put = this.#evidence.prepare(INSERT_CHANGE);
    for (const row of await this.#read(changed)) {
      const before = this.#states.get(String(row['row_id']));
      this.#since = Math.max(this.#since, Number(row['updated']));
      if (before !== undefined && WATCHED.every((column) => before[column] === row[column])) continue;
      this.#states.set(String(row['row_id']), row);
      put.run({
        ...Object.fromEntries(WATCHED.map((column) => [`from_${column}`, before?.[column] ?? null])),
        ...row,
        ...{ seq: ++this.#seq, at: Date.now(), run: row['status'] === 'completed' ? runIn(row['result']) : null },
      });
    }
  }

  async #noteEnds(): Promise<void> {
    const put = this.#evidence.prepare('INSERT INTO CHAOS_END VALUES (?, ?, ?, ?)');
    const ends = `SELECT DISTINCT incarnation, event FROM POD_LOG WHERE event IN ('left', 'evicted')`;
    for (const { incarnation, event } of await this.#read(ends)) {
      if (this.#ended.has(incarnation)) continue;
      this.#ended.add(incarnation);
      put.run(incarnation, event, this.#seq, Date.now());
    }
  }

  /** The rows, under the names of their columns in lower case. */
  async #read(sql: string): Promise<Row[]> {
    const rows = await this.#driver.run(sql);
    return rows.map((row) =>
      Object.fromEntries(Object.entries(row).map(([name, value]) => [name.toLowerCase(), value])),
    );
  }
}

const WATCHED = ['status', 'version', 'token', 'incarnation', 'retries', 'crashes'] as const;

function runIn(result: string): string | null {
  return (JSON.parse(result) as { readonly run?: string } | null)?.run ?? null;
}

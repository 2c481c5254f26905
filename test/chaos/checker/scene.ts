/**
 * A small history for the checker's tests: a real file with the library's tables, changed by SQL that no fence guards, and
 * ledgers that match it. The history is correct. A test adds what must not happen.
 */
import Database from 'better-sqlite3';
import { MIGRATIONS } from '../../../src/store/sqlite/schema/schema.js';
import { keepHistory } from '../history.js';
import { Ledger, type Entry } from '../ledger.js';
import { fileIn } from '../settings.js';
import { textOf, type Args, type StepType } from '../workload.js';

type Details = Omit<Entry, 'at' | 'what'>;
type Value = string | number | null;

export const [ADA, BOB] = ['pod-0.0', 'pod-1.0'] as const;
export const SUBMITTER = 'submitter-0.0';
const RUN_AT = 1_000;

export class Scene {
  readonly #folder: string;
  readonly #connection: Database.Database;
  readonly #ledgers = new Map<string, Ledger>();
  #n = 0;
  #runs = 0;

  constructor(folder: string) {
    this.#folder = folder;
    this.#connection = new Database(fileIn(folder));
    this.#connection.exec('PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF'); // no test here loses power
    for (const statement of MIGRATIONS[0]!) this.#connection.exec(statement);
    keepHistory(this.#connection);
    this.record('choreography', 'started', { life: ADA });
    this.record('choreography', 'started', { life: BOB });
    for (const life of [ADA, BOB]) this.join(life);
  }

  /** Each life has one incarnation of the same name. */
  join(life: string): void {
    this.record(life, 'ready');
    this.sql(
      `INSERT INTO POD_HEALTH (incarnation, pod_id, birth_ts, last_heartbeat_ts, meta, heartbeat_ms, dead_after_ms)
       VALUES (?, ?, 1, 1, ?, 1, 1)`,
      life,
      life.split('.')[0]!,
      JSON.stringify({ life }),
    );
  }

  record(life: string, what: Entry['what'], details: Details = {}): void {
    const ledger = this.#ledgers.get(life) ?? new Ledger(this.#folder, life);
    this.#ledgers.set(life, ledger);
    ledger.write(what, details);
  }

  sql(text: string, ...binds: readonly Value[]): void {
    this.#connection.prepare(text).run(...binds);
  }

  insert(stepId: string, type: StepType, args: Args, maxRetries = 1): void {
    this.sql(
      `INSERT INTO STEP_TRACKER (step_id, step_type, run_at, max_retries, payload) VALUES (?, ?, ?, ?, ?)`,
      ...[stepId, type, RUN_AT, maxRetries, JSON.stringify({ type, args })],
    );
  }

  submit(stepId: string, type: StepType, args: Omit<Args, 'origin' | 'n'> = {}, maxRetries = 1): void {
    const named = { origin: SUBMITTER, n: ++this.#n };
    this.record(SUBMITTER, 'submitting', { ...named, type });
    this.insert(stepId, type, { ...named, ...args }, maxRetries);
    this.record(SUBMITTER, 'acknowledged', { ...named, type, stepId, how: 'created' });
  }

  claim(stepId: string, life: string, at = RUN_AT): void {
    this.sql(
      `UPDATE STEP_TRACKER SET status = 'claimed', version = version + 1, claim_token = ?, claimed_by = ?,
         claimed_incarnation = ?, last_update_ts = ? WHERE step_id = ?`,
      ...[`token-${++this.#runs}`, life.split('.')[0]!, life, at, stepId],
    );
  }

  /** Runs a handler. @returns the run's name */
  run(stepId: string, life: string, how = 'returned', details: Details = {}): string {
    const run = this.begin(stepId, life, details);
    this.record(life, 'ended', { stepId, run, how });
    return run;
  }

  begin(stepId: string, life: string, details: Details = {}): string {
    const run = `${life}/${++this.#runs}`;
    this.record(life, 'began', { stepId, run, type: 'sized', attempt: 1, ...details });
    return run;
  }

  /** Ends the current claim, with any holder. @param sets further assignments */
  settle(stepId: string, status: string, by: string, sets = 'crashes = crashes'): void {
    this.sql(
      `UPDATE STEP_TRACKER SET settled_token = claim_token, settled_version = version, claim_token = NULL, status = ?,
         version = version + 1, settled_by = ?, ${sets} WHERE step_id = ?`,
      ...[status, by, stepId],
    );
  }

  complete(stepId: string, by: string, run: string): void {
    const { payload } = this.row(stepId);
    const { n, size } = (JSON.parse(payload) as { args: Args }).args;
    this.settle(stepId, 'completed', by, `result = '${JSON.stringify({ run, n, text: textOf(size) })}'`);
  }

  fail(stepId: string, by: string, error: object): void {
    this.settle(stepId, 'failed', by, `error = '${JSON.stringify(error)}'`);
  }

  /** From the claim to the receipt. */
  work(stepId: string, life: string): string {
    this.claim(stepId, life);
    const run = this.run(stepId, life);
    this.complete(stepId, life, run);
    this.record(life, 'completed', { stepId, run, version: this.row(stepId).version });
    return run;
  }

  row(stepId: string): { readonly version: number; readonly payload: string } {
    return this.#connection.prepare('SELECT version, payload FROM STEP_TRACKER WHERE step_id = ?').get(stepId) as {
      version: number;
      payload: string;
    };
  }

  final(life: string, final: 'left' | 'evicted'): void {
    this.sql('UPDATE POD_HEALTH SET final = ? WHERE incarnation = ?', final, life);
  }

  close(): void {
    this.#connection.close();
    for (const ledger of this.#ledgers.values()) ledger.close();
  }
}

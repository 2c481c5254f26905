/** The tables without a store: a test inserts rows and requests, runs the exchange, and reads rows. */
import { expect } from 'vitest';
import type { Driver } from '../../../support/warehouse/driver.js';
import { LATER, type ModelRequest, type ModelRow } from './exchange-model.js';

export class Table {
  readonly #driver: Driver;
  readonly #exchange: string;
  readonly #source: string;
  #delayed = 0;

  constructor(driver: Driver, exchangeText: string, source: string) {
    this.#driver = driver;
    this.#exchange = exchangeText;
    this.#source = source;
  }

  run(sql: string, bind?: unknown) {
    return this.#driver.run(sql, bind === undefined ? [] : [JSON.stringify(bind)]);
  }

  async put(rows: readonly ModelRow[]): Promise<void> {
    if (rows.length === 0) return;
    const text = (field: string) => `f.value:${field}::VARCHAR`;
    const number = (field: string) => `f.value:${field}::NUMBER(38,0)`;
    await this.run(
      `INSERT INTO STEP_TRACKER (step_id, row_id, status, step_type, priority, run_at, retry_count, crashes, version, claim_token, claimed_incarnation,
         created_ts, submit_index)
       SELECT ${text('id')}, ${text('row')}, ${text('status')}, ${text('type')}, ${number('priority')},
         IFF(${number('at')} = ${LATER}, DATEADD(hour, 5, SYSDATE()), DATEADD(millisecond, ${number('at')}, TO_TIMESTAMP_NTZ('2026-01-01', 'YYYY-MM-DD'))),
         ${number('retries')}, ${number('crashes')}, ${number('version')}, ${text('token')}, ${text('holder')},
         DATEADD(millisecond, ${number('made')}, TO_TIMESTAMP_NTZ('2026-01-01', 'YYYY-MM-DD')), NULLIF(${number('nth')}, 0)
       FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?))) f`,
      rows.map((row) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null))),
    );
  }

  ask({ limits, settlements, ...request }: ModelRequest): Promise<unknown> {
    return this.askRaw({ ...request, limits: JSON.stringify(pairs(limits)), settlements: JSON.stringify(settlements) });
  }

  /** A request as it may stand in the log; `limits` and `settlements` are any JSON. */
  askRaw(
    request: Partial<Omit<ModelRequest, 'limits' | 'settlements'>> & {
      readonly limits: string;
      readonly settlements: string;
    },
  ) {
    const { limits, settlements, ...rest } = { pod: 'p', group: 'g', seq: 1, ...request };
    return this.run(
      `INSERT INTO EXCHANGE_REQUEST (token, pod_id, incarnation, seq, group_id, free, prefetch, quarantine, limits, settlements, asked_ts)
       SELECT b:token::VARCHAR, b:pod::VARCHAR, b:incarnation::VARCHAR, b:seq::NUMBER(38,0), b:group::VARCHAR, b:free::NUMBER(38,0), b:prefetch::NUMBER(38,0),
         b:quarantine::NUMBER(38,0), b:limits, b:settlements, SYSDATE() FROM (SELECT PARSE_JSON(?) AS b)`,
      { ...rest, limits: JSON.parse(limits) as unknown, settlements: JSON.parse(settlements) as unknown },
    );
  }

  leave(incarnation: string): Promise<unknown> {
    return this.run(
      `INSERT INTO POD_LOG (pod_id, incarnation, event, seq, at_ts)
       SELECT 'p', b:incarnation::VARCHAR, 'left', 1, SYSDATE() FROM (SELECT PARSE_JSON(?) AS b)`,
      { incarnation },
    );
  }

  async exchange(own: ModelRequest | undefined, group: string, skip = 0): Promise<number> {
    const bind = { ...bound(own, group), skip };
    const [source] = await this.run(
      `SELECT COUNT(*) AS n, COUNT(DISTINCT its_step) AS d FROM (${this.#source}) x`,
      bind,
    );
    expect(source!['N'], 'the source is distinct by step').toBe(source!['D']);
    return updated(await this.run(this.#exchange, bind));
  }

  /** The UPDATE, from a source as it is now; run it when it pleases. */
  async delayed(own: ModelRequest, group: string): Promise<() => Promise<number>> {
    const name = `OLD_SOURCE_${++this.#delayed}`;
    await this.run(`CREATE TEMPORARY TABLE ${name} AS SELECT * FROM (${this.#source}) x`, bound(own, group));
    const text = this.#exchange.replace(this.#source, () => `SELECT * FROM ${name}`);
    return async () => updated(await this.run(text));
  }

  async rows(): Promise<string[]> {
    const found = await this.run(
      'SELECT t.*, DATEDIFF(minute, SYSDATE(), t.run_at) > 30 AS is_later FROM STEP_TRACKER t',
    );
    const columns = [
      ...[
        'STEP_ID',
        'ROW_ID',
        'STATUS',
        'CLAIM_TOKEN',
        'CLAIMED_INCARNATION',
        'VERSION',
        'SETTLED_TOKEN',
        'SETTLED_VERSION',
      ],
      ...['SETTLED_BY', 'RETRY_COUNT', 'CRASHES', 'IS_LATER'],
    ];
    return found.map((row) => columns.map((column) => row[column] as unknown).join(':')).sort();
  }
}

const pairs = (limits: ModelRequest['limits']) => Object.entries(limits).map(([type, most]) => ({ type, most }));
const updated = (rows: readonly Readonly<Record<string, unknown>>[]) => Number(rows[0]!['number of rows updated']);

function bound(own: ModelRequest | undefined, group: string): object {
  const request = own === undefined ? null : { ...own, limits: pairs(own.limits) };
  return { windowMs: 3_600_000, group, own: request };
}

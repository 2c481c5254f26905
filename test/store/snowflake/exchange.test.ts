/** The exchange's one UPDATE: a randomised comparison with a model, and what it must do with nonsense and old sources. */
import { expect, test } from 'vitest';
import { namesOf } from '../../../src/store/snowflake/names.js';
import { statementsOf } from '../../../src/store/snowflake/statements.js';
import type { Driver } from '../../support/warehouse/driver.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { exchange, LATER, type ModelRequest, type ModelRow, type ModelSettlement } from './support/model.js';
import { useStores } from './support/stores.js';

const SEED = Number(process.env['SEED'] ?? 7);
const ROUNDS = Number(process.env['ROUNDS'] ?? 20);

describeOnTestBed('the exchange statement', () => {
  const { open, byHand, place } = useStores();

  /** The tables, without a store between them and the test. */
  async function table() {
    await open();
    const driver = await byHand();
    const { exchange: text } = statementsOf(namesOf({ ...place(), tablePrefix: '' }));
    return new Table(driver, text.exchange, text.source);
  }

  test(`equals the model over ${ROUNDS} random rounds (SEED=${SEED})`, { timeout: 240_000 }, async () => {
    const [sql, world] = [await table(), new World(SEED)];
    const seen = { claimed: 0, settled: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      await sql.put(world.arrivals());
      const group = world.pick(['g', 'h']);
      for (let more = world.upTo(6); more > 0; more--) await sql.ask(world.request(true));
      if (world.upTo(4) === 0) await sql.leave(world.departure());
      const own = world.upTo(3) > 0 ? world.request(false) : undefined;
      for (let pass = 0; pass < 2; pass++) {
        const expected = exchange(world.rows, world.logged, own, group, world.gone, 1e9 + 2 * round + pass);
        expect(await sql.exchange(own, group), `round ${round}, pass ${pass}`).toBe(expected);
        expect(await sql.rows(), `round ${round}, pass ${pass}`).toEqual(shown(world.rows));
        seen.claimed += world.rows.filter((row) => row.status === 'claimed').length;
        seen.settled += world.rows.filter((row) => row.settledBy !== null).length;
      }
    }
    expect(seen.claimed).toBeGreaterThan(0);
    expect(seen.settled).toBeGreaterThan(0);
  });

  test('is not poisoned by requests and rows that hold nonsense', async () => {
    const [sql, world] = [await table(), new World(1)];
    const held = { ...world.step('held'), status: 'claimed', token: 'T', holder: 'i1', version: 3 };
    await sql.put([world.step('due'), { ...world.step('odd'), status: 'confused' }, held]);
    const odd = ['null', '7', '"text"', '[]', '{"a":1}', '[null,7,"x",[],{},{"id":5,"token":{},"version":"soon"}]'];
    const settlement = `[{"id":"held","token":"T","version":"soon","status":"failed"},{"id":"held","token":"T","version":3,"status":"undone"},
      {"id":"held","token":"T","version":3,"status":"pending","delayMs":1e99,"charge":{},"crash":-4}]`;
    for (const [i, value] of [...odd, settlement].entries()) {
      await sql.askRaw({
        token: `m${i}`,
        incarnation: `m${i}`,
        free: -5,
        prefetch: -1,
        quarantine: 9,
        limits: odd[i] ?? '[{"type":"t","most":"many"}]',
        settlements: value,
      });
    }
    const good = {
      ...world.request(false),
      incarnation: 'good',
      free: 2,
      prefetch: 0,
      group: 'g',
      limits: { t: 2 },
      settlements: [],
    };
    expect(await sql.exchange(good, 'g')).toBe(2);
    const rows = await sql.rows();
    expect(rows.find((row) => row.startsWith('due'))).toContain(':claimed:');
    expect(rows.find((row) => row.startsWith('odd'))).toContain(':confused:');
    expect(rows.find((row) => row.startsWith('held'))).toContain(':pending:');
  });

  test('steals nothing, and settles nothing twice, from a source as old as it likes', async () => {
    const [sql, world] = [await table(), new World(2)];
    const claim = (id: string) => ({ ...world.step(id), status: 'claimed', token: 'K', holder: 'i1', version: 1 });
    await sql.put([...['a', 'b', 'c', 'd'].map((id) => world.step(id)), claim('x'), claim('y'), claim('z')]);
    const end = (id: string, status: string): ModelSettlement => ({
      id,
      token: 'K',
      version: 1,
      status,
      charge: 0,
      crash: 0,
    });
    const plain = { ...world.request(false), prefetch: 0, group: 'g', limits: { t: 9 } };
    const late = await sql.delayed(
      {
        ...plain,
        token: 'late',
        incarnation: 'l',
        free: 3,
        settlements: [end('x', 'completed'), end('y', 'completed'), end('z', 'completed')],
      },
      'g',
    );
    await sql.exchange({ ...plain, token: 'soon', incarnation: 's', free: 2, settlements: [end('y', 'failed')] }, 'g');
    await sql.run(`UPDATE STEP_TRACKER SET version = 3 WHERE step_id = 'z'`); // claimed anew under the same old token
    expect(await late()).toBe(2);
    const rows = Object.fromEntries((await sql.rows()).map((row) => [row.split(':')[0]!, row]));
    expect(rows['a']).toContain(':claimed:soon:');
    expect(rows['c']).toContain(':claimed:late:');
    expect(rows['d']).toContain(':pending:');
    expect(rows['x']).toContain(':completed:');
    expect(rows['y']).toMatch(/:failed:.*:s:/);
    expect(rows['z']).toContain(':claimed:K:');
  });
});

/** A row as both sides show it. */
const shown = (rows: readonly ModelRow[]): string[] =>
  rows
    .map((row) =>
      [
        ...[row.id, row.row, row.status, row.token, row.holder, row.version, row.settledToken, row.settledVersion],
        ...[row.settledBy, row.retries, row.crashes, row.at === LATER],
      ].join(':'),
    )
    .sort();

class Table {
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
      `INSERT INTO STEP_TRACKER (step_id, row_id, status, step_type, priority, run_at, retry_count, crashes, version, claim_token, claimed_incarnation)
       SELECT ${text('id')}, ${text('row')}, ${text('status')}, ${text('type')}, ${number('priority')},
         IFF(${number('at')} = ${LATER}, DATEADD(hour, 5, SYSDATE()), DATEADD(millisecond, ${number('at')}, CAST('2026-01-01' AS TIMESTAMP_NTZ))),
         ${number('retries')}, ${number('crashes')}, ${number('version')}, ${text('token')}, ${text('holder')}
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

  async exchange(own: ModelRequest | undefined, group: string): Promise<number> {
    const bind = bound(own, group);
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

/** A seeded world of steps, requests and pods that leave. */
class World {
  readonly rows: ModelRow[] = [];
  readonly logged: ModelRequest[] = [];
  readonly gone = new Set<string>();
  #seed: number;
  #born = 0;
  #tokens = 0;
  #seq = 100;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** 0 to below `most`. */
  upTo(most: number): number {
    this.#seed = (this.#seed * 1103515245 + 12345) & 0x7fffffff;
    return (this.#seed >> 8) % most;
  }

  pick<T>(all: readonly T[]): T {
    return all[this.upTo(all.length)]!;
  }

  step(id: string): ModelRow {
    const nobody = { token: null, holder: null, settledToken: null, settledVersion: null, settledBy: null };
    const row = `w${this.upTo(1e9)}-${++this.#born}`;
    return { id, row, type: 't', priority: 0, status: 'pending', at: 0, retries: 0, crashes: 0, version: 0, ...nobody };
  }

  /** New steps, some of them second rows of old ones, some struck, some not yet due. */
  arrivals(): ModelRow[] {
    const all = Array.from({ length: this.upTo(45) }, () => {
      const id = `r${this.upTo(5) > 0 ? this.#born + 1 : 1 + this.upTo(this.#born + 1)}`;
      const type = this.rows.find((row) => row.id === id)?.type ?? this.pick(['t', 'u', 'v']);
      const at = this.upTo(6) === 0 ? LATER : this.upTo(300);
      const crashes = this.upTo(3) > 0 ? 0 : this.upTo(4);
      const step = { ...this.step(id), type, at, crashes, priority: this.upTo(3), retries: this.upTo(2) };
      this.rows.push(step);
      return step;
    });
    return all;
  }

  /** Half of them stay. */
  departure(): string {
    const incarnation = `i${this.upTo(3)}`;
    this.gone.add(incarnation);
    return incarnation;
  }

  request(logged: boolean): ModelRequest {
    const group = this.pick(['g', 'h']);
    const types = group === 'g' ? ['t', 'u'] : ['v', 'u'];
    const request = {
      token: `k${String(++this.#tokens).padStart(5, '0')}`,
      pod: 'p',
      incarnation: `i${this.upTo(6)}`,
      seq: (this.#seq += 2) - (this.upTo(8) === 0 ? 21 : 0), // no two are the same
      group,
      free: this.upTo(5),
      prefetch: this.upTo(4),
      quarantine: this.upTo(2),
      limits: Object.fromEntries(types.filter(() => this.upTo(4) > 0).map((type) => [type, 1 + this.upTo(6)])),
      settlements: this.#settlements(),
    };
    if (logged) this.logged.push(request);
    return request;
  }

  #settlements(): ModelSettlement[] {
    const byStep = new Map<string, ModelSettlement>();
    for (let more = this.upTo(14); more > 0 && this.rows.length > 0; more--) {
      const held = this.rows.filter((row) => row.token !== null);
      const row = this.upTo(3) > 0 && held.length > 0 ? this.pick(held) : this.pick(this.rows);
      const delay = this.upTo(3);
      byStep.set(row.id, {
        id: row.id,
        token: this.upTo(5) > 0 && row.token !== null ? row.token : `k${this.upTo(this.#tokens + 1)}`,
        version: this.upTo(8) > 0 ? row.version : row.version - 1,
        status: this.pick(['completed', 'failed', 'pending', 'pending', 'cancelled']),
        charge: this.upTo(2),
        crash: this.upTo(2),
        ...(delay === 0 ? {} : { delayMs: delay === 1 ? 0 : 18_000_000 }),
      });
    }
    return [...byStep.values()];
  }
}

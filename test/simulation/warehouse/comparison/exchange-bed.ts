/** The tables on the emulator, for the comparison of the exchange: a test puts a state, runs a text, and reads the rows. */
import { migrations } from '../../../../src/store/snowflake/schema.js';
import { statementsOf } from '../../../../src/store/snowflake/statements.js';
import { namesOf } from '../../../../src/store/snowflake/table-names.js';
import {
  EXCHANGE_REQUEST,
  POD_LOG,
  STEP_ARCHIVE,
  STEP_TRACKER,
  type Columns,
} from '../../../../src/store/snowflake/columns.js';
import { Driver } from '../../../support/warehouse/driver.js';
import { startTestBed, type TestBed } from '../../../support/warehouse/test-bed.js';
import type { ResultRow } from './compared.js';
import type { State } from './exchange-state.js';

const TABLES: readonly (readonly [key: keyof State, table: string, columns: Columns])[] = [
  ['steps', 'STEP_TRACKER', STEP_TRACKER],
  ['archived', 'STEP_ARCHIVE', STEP_ARCHIVE],
  ['requests', 'EXCHANGE_REQUEST', EXCHANGE_REQUEST],
  ['podLog', 'POD_LOG', POD_LOG],
];

export class ExchangeBed {
  readonly #bed: TestBed;
  readonly #driver: Driver;
  readonly texts;
  readonly #filled = new Set<keyof State>();
  #sources = 0;

  private constructor(bed: TestBed, driver: Driver, place: { database: string; schema: string }) {
    this.#bed = bed;
    this.#driver = driver;
    this.texts = statementsOf(namesOf({ ...place, tablePrefix: '' })).exchange;
  }

  static async start(): Promise<ExchangeBed> {
    const bed = await startTestBed();
    const place = await bed.freshSchema();
    const driver = await Driver.connect({ ...bed.connection, ...place });
    for (const text of migrations(namesOf({ ...place, tablePrefix: '' }), 'transient').flat()) await driver.run(text);
    return new ExchangeBed(bed, driver, place);
  }

  async stop(): Promise<void> {
    await this.#driver.close();
    await this.#bed.stop();
  }

  /** Puts this state in the place of whatever there is. */
  async put(state: State): Promise<void> {
    for (const [key, table] of TABLES) {
      if (this.#filled.delete(key)) await this.#driver.run(`DELETE FROM ${table}`);
    }
    for (const [key] of TABLES) await this.insert(key, state[key]);
  }

  async insert(key: keyof State, rows: State[keyof State]): Promise<void> {
    const found = TABLES.find(([of]) => of === key);
    if (found === undefined || rows.length === 0) return;
    const [, table, columns] = found;
    this.#filled.add(key);
    const names = Object.keys(columns);
    const values = names.map((name) => valueOf(name, columns[name] ?? ''));
    await this.#driver.run(
      `INSERT INTO ${table} (${names.join(', ')})
SELECT ${values.join(', ')} FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?))) f`,
      [
        JSON.stringify(
          rows.map((row) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null))),
        ),
      ],
    );
  }

  /** The rows of a statement at this instant. */
  run(text: string, bind: object, now: number): Promise<readonly ResultRow[]> {
    return this.#driver.run(at(text, now), [JSON.stringify(bind)]);
  }

  /** The UPDATE of the exchange from a source as it is now; the answer runs the UPDATE. */
  async exchangeFromNow(bind: object, now: number): Promise<(later: number) => Promise<readonly ResultRow[]>> {
    const { source, exchange } = this.texts;
    const name = `OLD_SOURCE_${++this.#sources}_0000ABCD`; // a name that the emulator takes for a passing one
    await this.#driver.run(`CREATE TEMPORARY TABLE ${name} AS SELECT * FROM (${at(source, now)}) x`, [
      JSON.stringify(bind),
    ]);
    const text = exchange.replace(source, () => `SELECT * FROM ${name}`);
    return async (later) => {
      const answer = await this.#driver.run(at(text, later));
      await this.#driver.run(`DROP TABLE ${name}`);
      return answer;
    };
  }

  /** Raises the version of these rows, as if they had been claimed and given back. */
  async raise(rowIds: readonly string[]): Promise<void> {
    await this.#driver.run(
      `UPDATE STEP_TRACKER SET version = version + 1
FROM (SELECT f.value::VARCHAR AS id FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?))) f) n WHERE row_id = n.id`,
      [JSON.stringify(rowIds)],
    );
  }

  async rows(key: 'steps' | 'requests'): Promise<readonly ResultRow[]> {
    const [, table, columns] = TABLES.find(([of]) => of === key) ?? TABLES[0]!;
    this.#filled.add(key);
    const shown = Object.entries(columns).map(([name, type]) => {
      if (type.startsWith('TIMESTAMP')) return `DATEDIFF(millisecond, TO_TIMESTAMP_NTZ(0, 3), r.${name}) AS ${name}`;
      return type === 'VARIANT' ? `TO_JSON(r.${name}) AS ${name}` : `r.${name}`;
    });
    return this.#driver.run(`SELECT ${shown.join(', ')} FROM ${table} r`);
  }
}

/** The text with this instant as SYSDATE(). */
const at = (text: string, now: number): string => text.replaceAll('SYSDATE()', `TO_TIMESTAMP_NTZ(${now}, 3)`);

function valueOf(name: string, type: string): string {
  const value = `f.value:${name}`;
  if (type === 'VARIANT') return value;
  if (type.startsWith('VARCHAR')) return `${value}::VARCHAR`;
  const cast = `${value}::NUMBER(38,0)`;
  return type.startsWith('TIMESTAMP') ? `DATEADD(millisecond, ${cast}, TO_TIMESTAMP_NTZ(0, 3))` : cast;
}

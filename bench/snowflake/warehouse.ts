/** The test bed as a small warehouse with modelled latencies, in modelled time. */
import type { ConnectionOptions } from 'snowflake-sdk';
import { namesOf, type Names } from '../../src/store/snowflake/table-names.js';
import { housekeepingStatements } from '../../src/store/snowflake/housekeeping/statements.js';
import { statementsOf } from '../../src/store/snowflake/statements.js';
import { REAL_LATENCY } from '../../test/support/warehouse/latency.js';
import type { Report } from '../../test/support/warehouse/meter.js';
import { startTestBed, type TestBed } from '../../test/support/warehouse/test-bed.js';
import { ScaledRuntime } from './scaled-runtime.js';

/** What one public measurement of an X-Small warehouse shows: see docs/decisions/0034-snowflake-benchmark.md. */
const RESUME_S = 2;
const STATEMENT_SLOTS = 8;
/** Real ms of a modelled second in {@link Warehouse.faster}. */
const FASTER_MS = 400;

export interface Place {
  readonly database: string;
  readonly schema: string;
}

export class Warehouse {
  readonly runtime: ScaledRuntime;
  readonly place: Place;
  readonly #bed: TestBed;
  readonly #names: Names;

  private constructor(bed: TestBed, place: Place, secondMs: number) {
    this.#bed = bed;
    this.place = place;
    this.#names = namesOf({ ...place, tablePrefix: '' });
    this.runtime = new ScaledRuntime(1_000 / secondMs);
  }

  /** @param secondMs how many real ms a modelled second takes */
  static async start(secondMs: number): Promise<Warehouse> {
    const bed = await startTestBed({ slots: { count: STATEMENT_SLOTS } });
    const warehouse = new Warehouse(bed, await bed.freshSchema(), secondMs);
    warehouse.secondMs = secondMs;
    return warehouse;
  }

  /** How many real ms a modelled second takes. It may be changed while the warehouse is suspended. */
  set secondMs(secondMs: number) {
    const { proxy } = this.#bed;
    proxy.latency.configure({ ...REAL_LATENCY, scale: secondMs / 1_000, absorbs: true });
    proxy.suspension.configure({ secondMs, resumeMs: RESUME_S * secondMs });
    proxy.clock.rate = this.runtime.rate = 1_000 / secondMs;
  }

  /** Time passes faster meanwhile: for what is not measured. */
  async faster<T>(work: () => Promise<T>): Promise<T> {
    const secondMs = 1_000 / this.runtime.rate;
    this.secondMs = Math.min(secondMs, FASTER_MS);
    try {
      return await work();
    } finally {
      this.secondMs = secondMs;
    }
  }

  /** The driver's options for this schema. */
  get connection(): ConnectionOptions {
    return { ...this.#bed.connection, ...this.place };
  }

  /** Modelled seconds since an arbitrary start. */
  get now(): number {
    return this.runtime.monotonicMs() / 1_000;
  }

  /** Waits for so many modelled seconds. */
  pass(seconds: number): Promise<void> {
    return new Promise((resolve) => void this.runtime.after(seconds * 1_000, resolve));
  }

  /** Forgets what was measured so far. */
  reset(): void {
    this.#bed.meter.reset();
    this.#bed.proxy.locks.reset();
  }

  get statements(): Report {
    return this.#bed.meter.report();
  }

  /** The statements of the pods' exchanges, by their name in the library. */
  get exchanges(): Readonly<Record<'ask' | 'exchange' | 'look' | 'settle' | 'receipts', number>> {
    const { ask, exchange, look, settle, receipts } = statementsOf(this.#names).exchange;
    const count = (text: string) => this.#bed.meter.report((one) => one.text === text).statements;
    return {
      ...{ ask: count(ask), exchange: count(exchange), look: count(look) },
      ...{ settle: count(settle), receipts: count(receipts) },
    };
  }

  /**
   * UPDATE, DELETE and MERGE on the table of steps. Without housekeeping, which comes from time to time and not from any step.
   */
  get stepLocks(): number {
    const table = `${this.place.database}.${this.place.schema}.${this.#names.plain.stepTracker}`;
    const { dedupe, unload } = housekeepingStatements(this.#names);
    return this.#bed.meter.report(
      (one) => one.locks && one.table === table && one.text !== dedupe && one.text !== unload,
    ).locking;
  }

  get locks(): ReturnType<TestBed['proxy']['locks']['counts']> {
    return this.#bed.proxy.locks.counts();
  }

  /** Modelled seconds that the warehouse was billed for. */
  get billedSeconds(): number {
    return this.#bed.proxy.suspension.credits * 3_600;
  }

  get isSuspended(): boolean {
    return this.#bed.proxy.suspension.state === 'suspended';
  }

  get resumes(): number {
    return this.#bed.proxy.suspension.resumes;
  }

  stop(): Promise<void> {
    return this.#bed.stop();
  }
}

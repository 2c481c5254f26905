/** The test bed as a small warehouse with modelled latencies, in modelled time. */
import type { ConnectionOptions } from 'snowflake-sdk';
import type { Runtime } from '../../src/runtime/runtime.js';
import { REAL_LATENCY } from '../../test/support/warehouse/latency.js';
import type { Report } from '../../test/support/warehouse/meter.js';
import { startTestBed, type TestBed } from '../../test/support/warehouse/test-bed.js';
import { scaledRuntime } from './scaled-runtime.js';

/** What one public measurement of an X-Small warehouse shows: see docs/decisions/0034-snowflake-benchmark.md. */
const RESUME_S = 2;
const STATEMENT_SLOTS = 8;

export interface Place {
  readonly database: string;
  readonly schema: string;
}

export class Warehouse {
  /** How many real ms a modelled second takes. */
  readonly secondMs: number;
  readonly runtime: Runtime;
  readonly place: Place;
  readonly #bed: TestBed;

  private constructor(bed: TestBed, place: Place, secondMs: number) {
    this.#bed = bed;
    this.place = place;
    this.secondMs = secondMs;
    this.runtime = scaledRuntime(1_000 / secondMs);
  }

  static async start(secondMs: number): Promise<Warehouse> {
    const bed = await startTestBed({
      slots: { count: STATEMENT_SLOTS },
      latency: { ...REAL_LATENCY, scale: secondMs / 1_000 },
      suspension: { secondMs, resumeMs: RESUME_S * secondMs },
    });
    bed.proxy.clock.rate = 1_000 / secondMs;
    return new Warehouse(bed, await bed.freshSchema(), secondMs);
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

  /** How many statements of a kind changed this table. */
  changes(table: string, kind: string): number {
    return this.#bed.meter.report((one) => one.kind === kind && one.table?.endsWith(`.${table}`) === true).statements;
  }

  get locks(): ReturnType<TestBed['proxy']['locks']['counts']> {
    return this.#bed.proxy.locks.counts();
  }

  get credits(): number {
    return this.#bed.proxy.suspension.credits;
  }

  get resumes(): number {
    return this.#bed.proxy.suspension.resumes;
  }

  stop(): Promise<void> {
    return this.#bed.stop();
  }
}

/** A test bed for all tests of a file, and the driver's connections of each test, closed when it ends. */
import type { ConnectionOptions } from 'snowflake-sdk';
import { afterAll, beforeAll, beforeEach, onTestFinished } from 'vitest';
import { Driver } from './driver.js';
import type { WarehouseOptions } from './proxy.js';
import { BED_MS } from './suite.js';
import { startTestBed, type TestBed } from './test-bed.js';

export interface UsedTestBed {
  readonly bed: () => TestBed;
  /** A connection to the test's own schema, with further options for the driver. */
  readonly connect: (over?: ConnectionOptions) => Promise<Driver>;
  /** Holds the lock of a table of the test's own schema, as another program would, until the test ends or calls this. */
  readonly hold: (table: string) => Promise<() => void>;
  /** Moves the store's clock ahead by the given time. It is reset before each test. */
  readonly pass: (ms: number) => void;
  /** The driver's options for the test's own schema. */
  readonly options: () => ConnectionOptions;
}

/** Call it inside `describe`. Each test has a schema of its own; what it has set in the proxy is for it to take back. */
export function useTestBed(options: Omit<WarehouseOptions, 'emulatorPort'> = {}): UsedTestBed {
  let bed: TestBed;
  let place: { database: string; schema: string };

  beforeAll(async () => {
    bed = await startTestBed(options);
  }, BED_MS);
  afterAll(() => bed?.stop());
  beforeEach(async () => {
    place = await bed.freshSchema();
    bed.proxy.clock.reset();
    bed.proxy.faults.clear();
    bed.meter.reset();
  });

  const driverOptions = () => ({ ...bed.connection, ...place });
  return {
    bed: () => bed,
    options: driverOptions,
    async connect(over = {}) {
      const driver = await Driver.connect({ ...driverOptions(), ...over });
      onTestFinished(() => driver.close());
      return driver;
    },
    pass: (ms) => bed.proxy.clock.pass(ms),
    async hold(table) {
      const release = await bed.proxy.locks.hold(`${place.database}.${place.schema}.${table}`);
      onTestFinished(release);
      return release;
    },
  };
}

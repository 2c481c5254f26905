/** The store contract suite on Snowflake: the real driver, the emulator, and the warehouse proxy between them. */
import { afterAll, expect } from 'vitest';
import { createLog } from '../../../../src/log.js';
import { systemRuntime } from '../../../../src/runtime/runtime.js';
import type { Store } from '../../../../src/store/contract.js';
import { resolveOptions } from '../../../../src/store/snowflake/options.js';
import { SnowflakeStore } from '../../../../src/store/snowflake/store.js';
import { describeStore, type Group, type OpenedStore } from '../../../conformance/index.js';
import { describeOnTestBed } from '../../../support/warehouse/suite.js';
import { useTestBed } from '../../../support/warehouse/use-test-bed.js';

export interface Variant {
  /** Each read is as late as the store says that it may be. */
  readonly late?: true;
  /** Every exchange goes through the log, as among other busy pods. */
  readonly logged?: true;
  /** An UPDATE that waits for the table reads its source as of before its wait. */
  readonly oldSources?: boolean;
  /** Default: all. */
  readonly groups?: readonly Group[];
}

const ASK = /^INSERT INTO \S*EXCHANGE_REQUEST/;

export function describeSnowflake(name: string, { late, logged, oldSources = false, groups }: Variant = {}): void {
  describeOnTestBed('on the test bed', { timeout: 300_000 }, () => {
    const { bed } = useTestBed({ oldSources });
    let requests = 0;
    const open = async (): Promise<OpenedStore> => {
      const { clock, lateReads } = bed().proxy;
      lateReads.off();
      clock.reset();
      const place = await bed().openedSchema();
      const opened: Store[] = [];
      const another = async (wallAheadMs = 0) => {
        const runtime = { ...systemRuntime, wallMs: () => systemRuntime.wallMs() + wallAheadMs };
        const options = resolveOptions({ connection: { ...bed().connection, ...place }, ...place });
        // That opening finds missing privileges is for the tests of opening.
        const more = { combines: logged ? 'always' : true, checksAccess: false } as const;
        const store = new SnowflakeStore({ ...options, ...more }, { runtime, log: createLog('test') });
        await store.open();
        opened.push(store);
        return store;
      };
      const store = await another();
      if (late) lateReads.draw = () => store.staleReadMs;
      return {
        store,
        another,
        tickMs: 600_000, // as on SQLite: long enough for the suite to outlast what the store remembers
        uniqueKeys: false,
        remembersEarlier: true,
        pass: async (ms) => clock.pass(ms),
        close: async () => {
          await Promise.all(opened.map((one) => one.close()));
          requests += bed().meter.report(({ text }) => ASK.test(text)).statements;
        },
      };
    };
    describeStore(name, open, groups);
    afterAll(() => {
      if (logged) expect(requests, 'requests that were logged').toBeGreaterThan(50);
    });
  });
}

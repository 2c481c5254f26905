/** The store contract suite on Snowflake: the real driver, the emulator, and the warehouse proxy between them. */
import { createLog } from '../../../../src/log.js';
import { systemRuntime } from '../../../../src/runtime/runtime.js';
import type { Store } from '../../../../src/store/contract.js';
import type { Combining } from '../../../../src/store/snowflake/combining/pacer.js';
import { resolveOptions } from '../../../../src/store/snowflake/options.js';
import { SnowflakeStore } from '../../../../src/store/snowflake/store.js';
import { describeStore } from '../../../conformance/index.js';
import { describeOnTestBed } from '../../../support/warehouse/suite.js';
import { useTestBed } from '../../../support/warehouse/use-test-bed.js';

/**
 * @param reads `fresh`, or each of them as late as the store says that it may be
 * @param combines `'always'`: every exchange goes through the log
 */
export function describeSnowflake(name: string, reads: 'fresh' | 'late', combines: Combining = true): void {
  describeOnTestBed('on the test bed', { timeout: 300_000 }, () => {
    const { bed } = useTestBed();
    describeStore(name, async () => {
      const { clock, lateReads } = bed().proxy;
      lateReads.off();
      clock.reset();
      const place = await bed().freshSchema();
      const opened: Store[] = [];
      const another = async (wallAheadMs = 0) => {
        const runtime = { ...systemRuntime, wallMs: () => systemRuntime.wallMs() + wallAheadMs };
        const environment = { runtime, log: createLog('test') };
        const options = resolveOptions({ connection: { ...bed().connection, ...place }, ...place });
        const store = new SnowflakeStore({ ...options, combines }, environment);
        await store.open();
        opened.push(store);
        return store;
      };
      const store = await another();
      if (reads === 'late') lateReads.draw = () => store.staleReadMs;
      return {
        store,
        another,
        tickMs: 600_000, // as on SQLite: long enough for the suite to outlast what the store remembers
        uniqueKeys: false,
        pass: async (ms) => clock.pass(ms),
        close: async () => void (await Promise.all(opened.map((one) => one.close()))),
      };
    });
  });
}

/** The store contract suite on Snowflake: the real driver, the emulator, and the warehouse proxy between them. */
import { createLog } from '../../../src/log.js';
import { systemRuntime } from '../../../src/runtime/runtime.js';
import { snowflake } from '../../../src/snowflake.js';
import type { Store } from '../../../src/store/contract.js';
import { describeStore } from '../../conformance/index.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { useTestBed } from '../../support/warehouse/use-test-bed.js';

describeOnTestBed('on the test bed', { timeout: 180_000 }, () => {
  const { bed } = useTestBed();
  describeStore('Snowflake', async () => {
    bed().proxy.clock.reset();
    const place = await bed().freshSchema();
    const opened: Store[] = [];
    const another = async (wallAheadMs = 0) => {
      const runtime = { ...systemRuntime, wallMs: () => systemRuntime.wallMs() + wallAheadMs };
      const environment = { runtime, log: createLog('test') };
      const store = await snowflake({ connection: { ...bed().connection, ...place }, ...place }).create(environment);
      await store.open();
      opened.push(store);
      return store;
    };
    return {
      store: await another(),
      another,
      tickMs: 600_000, // as on SQLite: long enough for the suite to outlast what the store remembers
      uniqueKeys: false,
      pass: async (ms) => bed().proxy.clock.pass(ms),
      close: async () => void (await Promise.all(opened.map((one) => one.close()))),
    };
  });
});

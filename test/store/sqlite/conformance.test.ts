/** The store contract suite on SQLite, in memory and on file. */
import { join } from 'node:path';
import { createLog } from '../../../src/log.js';
import { sqlite } from '../../../src/sqlite.js';
import type { Store } from '../../../src/store/contract.js';
import { describeStore, type OpenedStore } from '../../conformance/index.js';
import { shiftedRuntime } from '../../support/shifted-runtime.js';
import { temporaryFolder } from '../../support/temp.js';

async function open(path: string): Promise<OpenedStore> {
  const runtime = shiftedRuntime();
  const opened: Store[] = [];
  const another = async (wallAheadMs = 0) => {
    const own = { ...runtime, wallMs: () => runtime.wallMs() + wallAheadMs };
    const store = await sqlite({ path }).create({ runtime: own, log: createLog('test') });
    await store.open();
    opened.push(store);
    return store;
  };
  const store = await another();
  return {
    store,
    another: path === ':memory:' ? () => Promise.resolve(store) : another,
    tickMs: 600_000, // long enough for the suite to outlast the retention of pods that have left
    pass: async (ms) => runtime.pass(ms),
    close: async () => void (await Promise.all(opened.map((one) => one.close()))),
  };
}

describeStore('SQLite in memory', () => open(':memory:'));
describeStore('SQLite on file', () => open(join(temporaryFolder(), 'steps.db')));

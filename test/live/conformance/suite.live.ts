/** The store contract suite on the account of the `FLEET_Q_LIVE_*` variables. `npm run test:live` starts it, and drops what it leaves. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLog } from '../../../src/log.js';
import { systemRuntime } from '../../../src/runtime/runtime.js';
import { snowflake } from '../../../src/snowflake.js';
import type { Store } from '../../../src/store/contract.js';
import { describeStore } from '../../conformance/index.js';
import { CONFORMANCE_VARIABLE, targetFrom } from '../variables.js';
import type { ConformancePlace } from './run.js';
import { SUITE } from './groups.js';

const target = targetFrom(process.env);
const given = process.env[CONFORMANCE_VARIABLE];
if (target === undefined || given === undefined) throw new Error('Run it with: npm run test:live');
const { connection } = target;
const { database, schema, staleReadMs, tickMs } = JSON.parse(given) as ConformancePlace;

describeStore(SUITE, async () => {
  // Tables of their own for each test. The schema is dropped with them.
  const tablePrefix = `T_${randomBytes(4).toString('hex').toUpperCase()}_`;
  const opened: Store[] = [];
  const another = async (wallAheadMs = 0): Promise<Store> => {
    const runtime = { ...systemRuntime, wallMs: () => systemRuntime.wallMs() + wallAheadMs };
    const options = { database, schema, tablePrefix, staleReadMs, queryTag: 'fleet-q-live' };
    const factory = snowflake(connection === undefined ? options : { ...options, connection });
    const store = await factory.create({ runtime, log: createLog('test') });
    opened.push(store);
    await store.open();
    return store;
  };
  return {
    store: await another(),
    another,
    tickMs,
    uniqueKeys: false,
    remembersEarlier: true,
    pass: async (ms) => {
      await sleep(ms);
    },
    close: async () => void (await Promise.all(opened.map((one) => one.close()))),
  };
});

/** A fleet of FLEET-Q: as it is, and with the scheme before, in which each pod sends an UPDATE of its own and never sleeps. */
import { FleetQ, type StoreFactory } from '../../../src/index.js';
import { resolveOptions } from '../../../src/store/snowflake/options.js';
import { SnowflakeStore } from '../../../src/store/snowflake/store.js';
import { Driver } from '../../../test/support/warehouse/driver.js';
import type { Warehouse } from '../warehouse.js';
import { SUBMITTER, type FleetOptions, type RunningFleet, type Scheme, type SettledStep } from './fleet.js';

const SUBMITTED_AT_A_TIME = 5_000;
/** A day: longer than any part of the benchmark that holds steps. */
const HELD_MS = 86_400_000;
/** The default of `idleIntervalMs` on Snowflake. */
const LOOK_S = 5;

export const ours: Scheme = { name: 'ours', start: (warehouse, options) => start(warehouse, options, true) };
export const direct: Scheme = { name: 'direct', start: (warehouse, options) => start(warehouse, options, false) };

async function start(warehouse: Warehouse, options: FleetOptions, combines: boolean): Promise<RunningFleet> {
  const { pods, slots, stepSeconds, sleeps = false } = options;
  const settled: SettledStep[] = [];
  const ended = new Map<string, number>();
  let [begun, begunAt] = [0, NaN];
  const common = { journalPath: ':memory:', runtime: warehouse.runtime } as const;
  const submitter = new FleetQ<{ work: { args: undefined; result: undefined } }>({
    ...common,
    store: storeOf(warehouse, { combines, queryTag: SUBMITTER }),
  });
  await submitter.connect(); // creates the tables
  const queues = Array.from({ length: pods }, (_, n) => {
    const store = storeOf(warehouse, { combines, sleep: sleeps && combines });
    const queue = new FleetQ({ ...common, store, podId: `pod-${n}`, concurrency: slots });
    queue.register('work', async (_args: undefined, { stepId }) => {
      begun++;
      begunAt = warehouse.now;
      if (stepSeconds > 0) await warehouse.pass(stepSeconds);
      ended.set(stepId, warehouse.now);
    });
    queue.on('step:completed', ({ stepId }) => {
      settled.push({ endedAt: ended.get(stepId) ?? NaN, settledAt: warehouse.now });
      ended.delete(stepId);
    });
    return queue;
  });
  await Promise.all(queues.map((queue) => queue.start()));
  const submit = async (count: number, delayMs = 0) => {
    for (let left = count; left > 0; left -= SUBMITTED_AT_A_TIME) {
      const type = 'work' as const;
      const steps = Array.from({ length: Math.min(left, SUBMITTED_AT_A_TIME) }, () => ({ type, delayMs }));
      await submitter.submitMany(steps);
    }
  };
  return {
    settled,
    lookSeconds: LOOK_S,
    get begun() {
      return begun;
    },
    get begunAt() {
      return begunAt;
    },
    get asleep() {
      return queues.filter((queue) => queue.health().asleep).length;
    },
    submit: (count) => submit(count),
    submitHeld: (count) => submit(count, HELD_MS),
    async release() {
      const driver = await Driver.connect(warehouse.connection);
      await driver.run(`ALTER SESSION SET QUERY_TAG = '${SUBMITTER}'`);
      await driver.run(`UPDATE STEP_TRACKER SET run_at = SYSDATE() WHERE status = 'pending'`);
      await driver.close();
    },
    async stop() {
      await Promise.all([...queues, submitter].map((queue) => queue.stop()));
    },
  };
}

function storeOf(
  { connection, place }: Warehouse,
  { combines, ...options }: { readonly combines: boolean; readonly queryTag?: string; readonly sleep?: boolean },
): StoreFactory {
  const resolved = resolveOptions({ connection, ...place, ...options });
  return { name: 'snowflake', create: (environment) => new SnowflakeStore({ ...resolved, combines }, environment) };
}

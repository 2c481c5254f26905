/** A fleet of FLEET-Q: as it is, and with the scheme before, in which each pod sends an UPDATE of its own and never sleeps. */
import { FleetQ, type StoreFactory } from '../../../src/index.js';
import { resolveOptions } from '../../../src/store/snowflake/options.js';
import { SnowflakeStore } from '../../../src/store/snowflake/store.js';
import type { Warehouse } from '../warehouse.js';
import type { FleetOptions, RunningFleet, Scheme, SettledStep } from './fleet.js';

const SUBMITTED_AT_A_TIME = 5_000;

export const ours: Scheme = { name: 'ours', start: (warehouse, options) => start(warehouse, options, true) };
export const direct: Scheme = { name: 'direct', start: (warehouse, options) => start(warehouse, options, false) };

async function start(
  warehouse: Warehouse,
  { pods, slots, stepSeconds }: FleetOptions,
  combines: boolean,
): Promise<RunningFleet> {
  const settled: SettledStep[] = [];
  const ended = new Map<string, number>();
  let begun = 0;
  const options = { journalPath: ':memory:', runtime: warehouse.runtime, store: storeOf(warehouse, combines) } as const;
  const queues = Array.from({ length: pods }, (_, n) => {
    const queue = new FleetQ({ ...options, podId: `pod-${n}`, concurrency: slots });
    queue.register('work', async (_args: undefined, { stepId }) => {
      begun++;
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
  const submitter = new FleetQ<{ work: { args: undefined; result: undefined } }>({ ...options, podId: 'submitter' });
  return {
    settled,
    get begun() {
      return begun;
    },
    async submit(count) {
      for (let left = count; left > 0; left -= SUBMITTED_AT_A_TIME) {
        const steps = Array.from({ length: Math.min(left, SUBMITTED_AT_A_TIME) }, () => ({ type: 'work' as const }));
        await submitter.submitMany(steps);
      }
    },
    async stop() {
      await Promise.all([...queues, submitter].map((queue) => queue.stop()));
    },
  };
}

function storeOf({ connection, place }: Warehouse, combines: boolean): StoreFactory {
  const resolved = resolveOptions({ connection, ...place, ...(combines ? {} : { sleep: false }) });
  return {
    name: 'snowflake',
    create: (environment) => new SnowflakeStore({ ...resolved, combines }, environment),
  };
}

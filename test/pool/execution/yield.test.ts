import { expect, test } from 'vitest';
import { createLog } from '../../../src/log.js';
import { Events } from '../../../src/events.js';
import { completeOptions, resolveOptions } from '../../../src/options.js';
import { Pool } from '../../../src/pool/pool.js';
import { systemRuntime as runtime } from '../../../src/runtime/runtime.js';
import { StepRegistry } from '../../../src/step/step-registry.js';
import { Announcer } from '../../../src/settlement/announcer.js';
import { Settler } from '../../../src/settlement/settler.js';
import { MemoryStore } from '../support/memory-store.js';
import { POD } from '../support/rig.js';
import { noSubmitter } from '../support/no-submitter.js';

/** A pool on the process's own clock: the one guarantee that is about real time. */
function realPool(store: MemoryStore, run: () => unknown, onCompleted?: () => void): Pool {
  const log = createLog('pool');
  const events = new Events(log);
  if (onCompleted !== undefined) events.on('step:completed', onCompleted);
  const registry = new StepRegistry();
  registry.add({ type: 'busy', run });
  const rhythm = {
    ...{ heartbeatIntervalMs: 2_000, deadAfterMs: 15_000, recoveryIntervalMs: 5_000, claimIntervalMs: 100 },
    ...{ idleIntervalMs: 1_000, waitIntervalMs: 20, submitBatch: 500 },
  };
  const settings = completeOptions(resolveOptions({ maxParallelism: 1_000, capacityThreshold: 1 }), rhythm);
  const rules = { retry: settings.retry, maxCrashes: 3 };
  const announcer = new Announcer({ events, log, podId: POD.podId, wallMs: () => runtime.wallMs() });
  const settler = new Settler({ announcer, log, random: () => 0.5, rulesFor: () => rules });
  const pool = new Pool({ store, runtime, events, log, settler, settings, registry, submitter: noSubmitter });
  pool.admit(POD);
  return pool;
}

const spin = (ms: number) => {
  const until = performance.now() + ms;
  while (performance.now() < until);
};

/** Runs until all are completed; answers how often the event loop turned meanwhile. */
async function turns(store: MemoryStore, pool: Pool, count: number): Promise<number> {
  let turned = 0;
  await pool.start();
  while (store.count('completed') < count) {
    await runtime.yield();
    turned++;
  }
  await pool.stop();
  return turned;
}

test.each([
  ['synchronous', () => spin(1)],
  ['asynchronous', async () => spin(1)],
])('%s handlers that chain let the event loop turn every few ms', async (_, run) => {
  const store = new MemoryStore(runtime);
  store.addMany(100, 'busy');
  // 100 ms of work in slices of 4: without a pause it would be a handful of turns.
  expect(await turns(store, realPool(store, run), 100)).toBeGreaterThan(18);
});

test('slow listeners let the event loop turn, too', async () => {
  const store = new MemoryStore(runtime);
  store.addMany(100, 'busy');
  let heard = 0;
  const listener = () => {
    spin(1);
    heard++;
  };
  const pool = realPool(store, () => undefined, listener);
  let turned = 0;
  await pool.start();
  while (heard < 100) {
    await runtime.yield();
    turned++;
  }
  await pool.stop();
  expect(turned).toBeGreaterThan(6); // the time slice is checked for every sixteenth receipt
});

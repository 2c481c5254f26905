/** One database in memory for several stores. */
import { expect, onTestFinished, test } from 'vitest';
import { createLog } from '../../../../src/log.js';
import { VirtualRuntime } from '../../../../src/runtime/virtual-runtime.js';
import type { Store } from '../../../../src/store/contract.js';
import { SharedMemory } from '../../../../src/store/sqlite/connection/shared-memory.js';
import { resolveOptions } from '../../../../src/store/sqlite/options.js';
import { SqliteStore } from '../../../../src/store/sqlite/store.js';
import { ids, newSteps } from '../../../conformance/harness.js';

async function stores(): Promise<readonly [Store, Store]> {
  const memory = await SharedMemory.open();
  onTestFinished(() => memory.close());
  const world = new VirtualRuntime();
  const made = (): Store => {
    const environment = { runtime: world.fork(), log: createLog('test') };
    return new SqliteStore(resolveOptions({ path: ':memory:' }), environment, { memory });
  };
  return [made(), made()];
}

test('what one store has submitted, another one finds', async () => {
  const [one, other] = await stores();
  const steps = newSteps(3);
  await one.submit(steps);
  expect((await other.find(ids(steps))).map(({ status }) => status)).toEqual(['pending', 'pending', 'pending']);
});

test('a store that closes leaves the database to the others', async () => {
  const [one, other] = await stores();
  const steps = newSteps(1);
  await one.submit(steps);
  await one.close();
  expect(await other.find(ids(steps))).toHaveLength(1);
});

test('a change by one store moves the pulse of another', async () => {
  const [one, other] = await stores();
  const before = await other.pulse();
  await one.submit(newSteps(1));
  expect(await other.pulse()).not.toBe(before);
});

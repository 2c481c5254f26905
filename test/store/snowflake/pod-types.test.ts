/** The step types of a pod travel with its registration, and not with each heartbeat. */
import { expect, test } from 'vitest';
import { handledTypes, queueStats } from '../../../src/stats.js';
import { systemRuntime } from '../../../src/runtime/runtime.js';
import type { Store } from '../../../src/store/contract.js';
import { fresh, newStep } from '../../conformance/harness.js';
import type { Driver } from '../../support/warehouse/driver.js';
import { BED_MS, describeOnTestBed } from '../../support/warehouse/suite.js';
import { useStores } from './support/stores.js';

const typesOf = (count: number, name = 'type') => Array.from({ length: count }, (_, i) => `${name}-${i}`);

describeOnTestBed('the types of a pod', { timeout: BED_MS }, () => {
  const { open, byHand } = useStores();

  const opened = async (): Promise<[Store, Driver]> => [await open(), await byHand()];

  const register = async (store: Store, meta: object) => {
    const pod = { podId: fresh('pod'), incarnation: fresh('life') };
    await store.register({ ...pod, heartbeatMs: 1_000, deadAfterMs: 86_400_000, meta: { ...meta } });
    const metaOf = (pods: Awaited<ReturnType<Store['fleet']>>) =>
      pods.find((one) => one.pod.incarnation === pod.incarnation)?.meta;
    return {
      pod,
      /** What the view of a heartbeat, and the fleet, say of this pod. */
      beat: async (said: object) => {
        const { pods } = await store.heartbeat(pod, { eligible: true, asleep: false, meta: { ...said } });
        const meta = metaOf(pods);
        expect(metaOf(await store.fleet())).toEqual(meta);
        return meta;
      },
      fleet: async () => metaOf(await store.fleet()),
    };
  };

  /** How long what each sign of life carried is. */
  const lengths = async (driver: Driver, incarnation: string): Promise<number[]> => {
    const rows = await driver.run(
      `SELECT LENGTH(meta_text) AS chars FROM POD_LOG WHERE incarnation = '${incarnation}' ORDER BY seq`,
    );
    return rows.map(({ CHARS }) => Number(CHARS));
  };

  test('are written with its registration, and with a heartbeat only if they have changed', async () => {
    const [store, driver] = await opened();
    const types = typesOf(1_000);
    const { pod, beat, fleet } = await register(store, { types, running: 0 });
    expect(await fleet()).toEqual({ types, running: 0 });
    expect(await beat({ types, running: 1 })).toEqual({ types, running: 1 });
    expect(await beat({ types, running: 2 })).toEqual({ types, running: 2 });
    const others = ['one', 'two'];
    expect(await beat({ types: others, running: 3 })).toEqual({ types: others, running: 3 });
    expect(await beat({ types: others, running: 4 })).toEqual({ types: others, running: 4 });
    expect(await beat({ running: 5 })).toEqual({ running: 5 });
    const [registration, ...beats] = await lengths(driver, pod.incarnation);
    expect(registration).toBeGreaterThan(9_000);
    for (const length of beats) expect(length).toBeLessThan(100);
  });

  test('are written with each heartbeat if another store registered the pod', async () => {
    const store = await open();
    const { pod } = await register(store, { types: ['old'] });
    const other = await open();
    const meta = { types: ['new'] };
    const { pods } = await other.heartbeat(pod, { eligible: true, asleep: false, meta });
    expect(pods.find((one) => one.pod.incarnation === pod.incarnation)?.meta).toEqual(meta);
  });

  test('are left out if 20,000 long names do not fit a bind, and the pod counts as handling all types', async () => {
    const [store, driver] = await opened();
    const types = typesOf(20_000, 'x'.repeat(50));
    const { pod, beat } = await register(store, { types, running: 0 });
    expect(await beat({ types, running: 1 })).toEqual({ typesOmitted: true, running: 1 });
    expect(await beat({ types: [...types], running: 2 })).toEqual({ typesOmitted: true, running: 2 });
    for (const length of await lengths(driver, pod.incarnation)) expect(length).toBeLessThan(100);

    await store.submit([newStep({ type: 'unheard-of' })]);
    const pods = await store.fleet();
    expect(await handledTypes(systemRuntime, pods)).toBeUndefined();
    const fleet = { pods, leader: undefined, seenMsAgo: 0 };
    expect((await queueStats(systemRuntime, await store.stats(), fleet, 0)).unhandledTypes).toEqual([]);
    await store.leave(pod);
    const left = { ...fleet, pods: await store.fleet() };
    expect((await queueStats(systemRuntime, await store.stats(), left, 0)).unhandledTypes).toContain('unheard-of');
  });
});

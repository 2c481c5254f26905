/** How long a store waits for an answer that never comes: a heartbeat its interval, `close` some seconds. */
import { expect, onTestFinished, test } from 'vitest';
import type { Store } from '../../../src/store/contract.js';
import { fresh, newSteps } from '../../conformance/harness.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { refusals } from '../../support/warehouse/wire-replies.js';
import { acceleratedRuntime, hurryDriver, refuseResends } from './support/accelerated-runtime.js';
import { claimed, joined, noting, useStores } from './support/stores.js';

const SPEED = 20;
const BEAT = { eligible: true, asleep: false, meta: {} };

describeOnTestBed('without an answer', { timeout: 60_000 }, () => {
  const { bed, open } = useStores();
  /** In ms of the store's own time. */
  const took = async (work: Promise<unknown>): Promise<number> => {
    const started = performance.now();
    await work.catch(() => {});
    return (performance.now() - started) * SPEED;
  };
  const hang = (text: RegExp): void => {
    bed().proxy.faults.inject({ kind: 'hang' }, { text });
    onTestFinished(() => refuseResends(bed().proxy));
  };
  const opened = async (statementTimeoutMs = 60_000): Promise<Store> => {
    onTestFinished(hurryDriver(SPEED));
    return open({ statementTimeoutMs }, undefined, acceleratedRuntime(SPEED));
  };
  const alive = async (store: Store, heartbeatMs = 80_000) => {
    const pod = { podId: fresh('pod'), incarnation: fresh('life') };
    await store.register({ ...pod, heartbeatMs, deadAfterMs: 86_400_000, meta: {} });
    return pod;
  };

  test('a heartbeat is given up after its interval, so that the next is in time', async () => {
    const store = await opened(600_000);
    const pod = await alive(store);
    hang(/POD_LOG/);
    const beat = took(store.heartbeat(pod, BEAT));
    expect(await beat).toBeGreaterThan(79_000);
    expect(await beat).toBeLessThan(600_000);
    expect((await store.heartbeat(pod, BEAT)).pods).toHaveLength(1);
  });

  test('a pause after a failed login is half a heartbeat interval at most', async () => {
    const delays: number[] = [];
    onTestFinished(hurryDriver(SPEED));
    const store = await open({}, undefined, noting(delays));
    const pod = await alive(store, 400);
    bed().proxy.faults.inject({ kind: 'gone' }, { times: Infinity });
    bed().proxy.faults.inject({ kind: 'refused', refusal: refusals.wrongCredentials() }, { route: 'login', times: 8 });
    for (let beats = 0; beats < 8; beats++) await store.heartbeat(pod, BEAT).catch(() => {});
    bed().proxy.faults.clear();
    expect((await store.heartbeat(pod, BEAT)).pods).toHaveLength(1);
    const pauses = delays.filter((delay) => delay < 5_000);
    expect(pauses.length).toBeGreaterThan(4);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(200);
  });

  test('a statement of the leader delays no heartbeat', async () => {
    const store = await opened();
    const pod = await alive(store);
    hang(/claimed_ts, s.row_id/);
    const orphans = took(store.orphans({ limit: 10 }));
    expect((await store.heartbeat(pod, BEAT)).pods).toHaveLength(1);
    expect(await orphans).toBeGreaterThan(60_000);
  });

  test('a statement is given up some seconds after the store was closed, and its call rejects', async () => {
    const store = await opened(600_000);
    const pod = await joined(store);
    await store.submit(newSteps(1));
    hang(/^\s*UPDATE/);
    const call = claimed(store, pod).then(
      () => 'it went through',
      (error: unknown) => error,
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    const closing = took(store.close());
    expect(await call).toMatchObject({ code: 'STORE_UNAVAILABLE', transient: true });
    expect(await closing).toBeLessThan(60_000);
  });

  test('a `connection` function that never returns is given up at the deadline', async () => {
    onTestFinished(hurryDriver(SPEED));
    const store = open({ connection: () => new Promise<never>(() => {}) }, undefined, acceleratedRuntime(10 * SPEED));
    await expect(store).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(/the function .* 75000 ms/),
    });
  });
});

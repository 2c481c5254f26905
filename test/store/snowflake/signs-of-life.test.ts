/** A logged request stands for a heartbeat: the pod is never taken for silent, by the others or by itself. */
import { expect, onTestFinished, test } from 'vitest';
import { createLog } from '../../../src/log.js';
import { systemRuntime } from '../../../src/runtime/runtime.js';
import { resolveOptions } from '../../../src/store/snowflake/options.js';
import { SnowflakeStore } from '../../../src/store/snowflake/store.js';
import { claimRequest, fresh, newSteps, settlement } from '../../conformance/harness.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { useStores } from './support/stores.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const BEAT = { eligible: true, asleep: false, meta: {} };

describeOnTestBed('a pod whose exchanges go through the log', { timeout: 120_000 }, () => {
  const { open, byHand, pass, place, options } = useStores();

  /** A registered pod. `later` moves its clock and the server's. */
  async function pod(limits: { readonly heartbeatMs: number; readonly deadAfterMs: number }) {
    let aheadMs = 0;
    const runtime = { ...systemRuntime, monotonicMs: () => systemRuntime.monotonicMs() + aheadMs };
    const resolved = resolveOptions({ connection: options(), ...place(), staleReadMs: 0 });
    const store = new SnowflakeStore({ ...resolved, combines: 'always' }, { runtime, log: createLog('test') });
    onTestFinished(() => store.close());
    await store.open();
    const ref = { podId: fresh('pod'), incarnation: fresh('life') };
    await store.register({ ...ref, ...limits, meta: {} });
    const later = (ms: number): void => {
      aheadMs += ms;
      pass(ms);
    };
    return { store, ref, later };
  }

  test('is heard by the others by its requests, is never evicted, and learns from which of them they count', async () => {
    const { store, ref, later } = await pod({ heartbeatMs: 30 * SECOND, deadAfterMs: 120 * SECOND });
    const [others, driver] = [await open(), await byHand()];
    await store.submit(newSteps(10));
    await store.heartbeat(ref, BEAT);
    let settlements: ReturnType<typeof settlement>[] = [];
    for (let beats = 0; beats < 8; beats++) {
      later(20 * SECOND);
      const { claims } = await store.exchange({ pod: ref, settlements, claim: claimRequest({ free: 1 }) });
      settlements = claims.map((claim) => settlement(claim));
      later(9 * SECOND);
      const { pods, signAgoMs = 0 } = await store.heartbeat(ref, BEAT);
      const own = pods.find(({ pod: { incarnation } }) => incarnation === ref.incarnation)!;
      // It counts from a sign that is at least as old as the one that the others see. The rest is the time of the statements.
      expect(own.silentForMs - signAgoMs).toBeLessThan(8 * SECOND);
      if (signAgoMs > 0) expect(signAgoMs).toBeGreaterThanOrEqual(9 * SECOND);
      expect(await others.evict([ref])).toEqual([]);
      await store.prune({ keepMs: 0 });
    }
    const [{ N: written } = { N: 0 }] = await driver.run(`SELECT MAX(seq) - MIN(seq) AS d, COUNT(*) AS n FROM POD_LOG`);
    expect(Number(written), 'the registration, and heartbeats that were written').toBeLessThanOrEqual(4);
    later(121 * SECOND);
    expect(await others.evict([ref]), 'silence counts from the last sign').toEqual([ref]);
  });

  test('keeps its newest request, however old, until the log of pods has forgotten it', async () => {
    const { store, ref, later } = await pod({ heartbeatMs: HOUR, deadAfterMs: 24 * HOUR });
    const driver = await byHand();
    const requests = async () => (await driver.run('SELECT seq FROM EXCHANGE_REQUEST')).length;
    await store.submit(newSteps(2));
    later(30 * MINUTE);
    for (let i = 0; i < 2; i++) {
      await store.exchange({ pod: ref, settlements: [], claim: claimRequest({ free: 1 }) });
      later(10 * MINUTE);
    }
    later(2 * HOUR);
    await store.prune({ keepMs: 0 });
    expect(await requests(), 'the older request is gone').toBe(1);
    const [view] = await store.fleet();
    expect(view!.silentForMs).toBeLessThan(2 * HOUR + 11 * MINUTE);
    await driver.run(`UPDATE STEP_TRACKER SET status = 'completed', claim_token = NULL WHERE status = 'claimed'`);
    await store.leave(ref);
    for (let i = 0; i < 4; i++) {
      later(2 * HOUR);
      await store.prune({ keepMs: 0 });
    }
    expect(await requests()).toBe(0);
  });
});

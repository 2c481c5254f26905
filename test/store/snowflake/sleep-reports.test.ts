/** What probes, the API, metrics, the diagnosis and the reports say of a fleet that sleeps, and that they do not wake it. */
import { FleetQ } from 'fleet-q';
import { createMetrics } from 'fleet-q/prometheus';
import { expect, onTestFinished, test } from 'vitest';
import { snowflake } from '../../../src/snowflake.js';
import { serveApi } from '../../http/support/api.js';
import { samplesOf } from '../../prometheus/support/samples.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { useStores } from './support/stores.js';

const SLEEP = { quietForMs: 1_500, pollIntervalMs: 1_000, checkIntervalMs: 1_000 };
const PATIENCE = { timeout: 60_000, interval: 100 };

describeOnTestBed('a fleet that sleeps', () => {
  const used = useStores();

  async function sleepingFleet() {
    const store = snowflake({ connection: used.options(), ...used.place(), staleReadMs: 0, sleep: SLEEP });
    const pods = ['a', 'b'].map((podId) =>
      new FleetQ({ podId, store, heartbeatIntervalMs: 500, deadAfterMs: 5_000 }).register('work', () => 'done'),
    );
    const awake: string[] = [];
    for (const queue of pods) {
      onTestFinished(() => queue.stop());
      queue.on('pod:awake', ({ reason }) => awake.push(reason));
      await queue.start();
    }
    const client = new FleetQ({ store });
    onTestFinished(() => client.stop());
    await client.submit({ type: 'work', args: 'tomorrow', delayMs: 86_400_000 } as never);
    await expect.poll(() => pods.every((queue) => queue.health().asleep), PATIENCE).toBe(true);
    return { first: pods[0]!, client, awake };
  }

  test('is healthy, live and ready, is listed asleep, and lacks nothing by its diagnosis', async () => {
    const { first, client, awake } = await sleepingFleet();
    const api = await serveApi(first);
    const metrics = createMetrics(first);
    onTestFinished(() => metrics.stop());
    for (const path of ['/health', '/livez', '/readyz']) {
      expect(await api.get(path)).toMatchObject({ status: 200, body: { status: 'healthy' } });
    }
    expect((await api.get('/health')).body).toMatchObject({ asleep: true, is_leader: false });
    expect(await api.get('/api/leader')).toMatchObject({ status: 200, body: { active_pods: 0, eligible_pods: [] } });
    expect((await api.get('/admin/leader')).status).toBe(200);
    expect((await api.get('/api/pods')).body).toMatchObject({ pods: [{ asleep: true }, { asleep: true }] });
    const stats = await api.get('/api/stats');
    expect(stats).toMatchObject({
      status: 200,
      body: { active_pods: 0, asleep_pods: 2, pending_steps: 1, unhandled_types: [] },
    });
    expect(stats.body.store).toMatchObject({ path: expect.stringMatching(/^(direct|log)$/), throttled: null });
    for (const queue of [first, client]) {
      expect(await queue.pods()).toMatchObject(['a', 'b'].map((podId) => ({ podId, asleep: true, live: false })));
    }
    expect(await samplesOf(metrics)).toMatchObject({
      fleetq_pod_asleep: 1,
      fleetq_pod_ready: 1,
      fleetq_pod_throttled: 0,
    });
    for (const queue of [first, client]) {
      const findings = await queue.diagnose();
      const of = (check: string) => findings.find((finding) => finding.check === check);
      expect(of('pods')).toMatchObject({ level: 'ok', message: expect.stringContaining('0 live, 2 asleep') });
      expect(of('unhandled-types')).toMatchObject({ level: 'ok' });
    }
    expect((await first.stats()).store).toEqual(first.health().store);
    expect((await client.stats()).store).toBeUndefined();
    expect(awake).toEqual([]);
  }, 120_000);
});

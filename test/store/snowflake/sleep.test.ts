/** A fleet on the test bed that falls asleep, lets the warehouse suspend, and wakes. The intervals are short. */
import { FleetQ, type AnyFleetQ } from 'fleet-q';
import { expect, onTestFinished, test } from 'vitest';
import { snowflake } from '../../../src/snowflake.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { useStores } from './support/stores.js';

const SLEEP = { quietForMs: 1_500, pollIntervalMs: 1_000, checkIntervalMs: 1_000 };
const PATIENCE = { timeout: 60_000, interval: 100 };
/** A started queue, and why it has woken. */
interface Pod {
  readonly queue: AnyFleetQ;
  readonly awake: readonly string[];
}

function fleetOf(used: ReturnType<typeof useStores>) {
  const ran: string[] = [];
  const pods: Pod[] = [];
  const pod = (podId: string): Pod => {
    const store = snowflake({ connection: used.options(), ...used.place(), staleReadMs: 0, sleep: SLEEP });
    const queue = new FleetQ({ podId, store, heartbeatIntervalMs: 500, deadAfterMs: 10_000 });
    queue.register('work', (args) => void ran.push(String(args)));
    const awake: string[] = [];
    queue.on('pod:awake', ({ reason }) => awake.push(reason));
    onTestFinished(() => queue.stop());
    return { queue, awake };
  };
  return {
    ran,
    async start(count: number): Promise<readonly Pod[]> {
      for (let i = 0; i < count; i++) pods.push(pod(`pod-${i}`));
      for (const { queue } of pods) await queue.start();
      return pods;
    },
    slept: () => expect.poll(() => pods.map(({ queue }) => queue.health().asleep), PATIENCE).not.toContain(false),
    woken: () => expect.poll(() => pods.map(({ awake }) => awake.length > 0), PATIENCE).not.toContain(false),
  };
}

describeOnTestBed('a fleet without work on Snowflake', () => {
  const used = useStores();

  test('sends nothing that needs the warehouse while it sleeps, and a submission here wakes all', async () => {
    const fleet = fleetOf(used);
    const [first] = await fleet.start(3);
    await fleet.slept();
    used.bed().meter.reset();
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    const readings = used.bed().meter.readings;
    expect(readings.filter(({ free }) => !free)).toEqual([]);
    expect(readings.length).toBeGreaterThan(3);
    await first?.queue.submit({ type: 'work', args: 'here' });
    await fleet.woken();
    await expect.poll(() => fleet.ran, PATIENCE).toEqual(['here']);
    expect(first?.awake).toEqual(['local']);
  });

  test('is woken by a step that another program inserts', async () => {
    const fleet = fleetOf(used);
    await fleet.start(2);
    const client = await used.open();
    await fleet.slept();
    await client.submit([
      {
        stepId: 's',
        type: 'work',
        payload: '{"type":"work","args":"sql"}',
        priority: 0,
        maxRetries: 0,
        delayMs: 0,
        runAt: null,
      },
    ]);
    await expect.poll(() => fleet.ran, PATIENCE).toEqual(['sql']);
  });

  test('is woken by a step that falls due', async () => {
    const fleet = fleetOf(used);
    const [first] = await fleet.start(1);
    await first?.queue.submit({ type: 'work', args: 'later', delayMs: 10_000 });
    await fleet.slept();
    await expect.poll(() => fleet.ran, PATIENCE).toEqual(['later']);
    expect(first?.awake).toContain('due');
  }, 60_000);
});

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

  test('lets the warehouse suspend, also while a client waits for a step', async () => {
    const { suspension } = used.bed().proxy;
    suspension.configure({ secondMs: 10 }); // AUTO_SUSPEND after 600 ms
    onTestFinished(() => suspension.configure({ secondMs: 1_000 }));
    const fleet = fleetOf(used);
    await fleet.start(3);
    const store = snowflake({ connection: used.options(), ...used.place(), staleReadMs: 0, sleep: SLEEP });
    const client = new FleetQ({ store }) as AnyFleetQ;
    onTestFinished(() => client.stop());
    const stepId = await client.submit({ type: 'work', args: 'later', delayMs: 3_600_000 });
    const waiting = client.waitFor(stepId).catch(() => undefined);
    await fleet.slept();
    await expect.poll(() => suspension.state, PATIENCE).toBe('suspended');
    const { resumes } = suspension;
    used.bed().meter.reset();
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect([suspension.state, suspension.resumes]).toEqual(['suspended', resumes]);
    expect(used.bed().meter.readings.filter(({ free }) => !free)).toEqual([]);
    await client.stop();
    await waiting;
  });

  test.each(['flapping', 'late'] as const)('finds a step of another program under a token that is %s', async (kind) => {
    const { changes } = used.bed().proxy;
    onTestFinished(() => void (changes.fault = undefined));
    const fleet = fleetOf(used);
    await fleet.start(2);
    await fleet.slept();
    changes.fault = kind;
    const driver = await used.byHand();
    await driver.run(
      `INSERT INTO STEP_TRACKER (step_id, payload) SELECT 'x', PARSE_JSON('{"type":"work","args":"sql"}')`,
    );
    await expect.poll(() => fleet.ran, PATIENCE).toEqual(['sql']);
  });

  test('finds a step of another program by the number of rows, though the token stands still', async () => {
    const { changes } = used.bed().proxy;
    onTestFinished(() => void (changes.fault = undefined));
    const fleet = fleetOf(used);
    const pods = await fleet.start(2);
    await fleet.slept();
    changes.fault = 'frozen';
    const driver = await used.byHand();
    await driver.run(
      `INSERT INTO STEP_TRACKER (step_id, payload) SELECT 'x', PARSE_JSON('{"type":"work","args":"sql"}')`,
    );
    await expect.poll(() => fleet.ran, PATIENCE).toEqual(['sql']);
    expect(pods.flatMap(({ awake }) => awake)).toContain('check');
  });
});

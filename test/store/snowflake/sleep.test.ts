/** A fleet on the test bed that falls asleep, lets the warehouse suspend, and wakes. The intervals are short. */
import { FleetQ, type AnyFleetQ, type FleetQOptions } from 'fleet-q';
import { expect, onTestFinished, test } from 'vitest';
import { snowflake } from '../../../src/snowflake.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { fresh, newStep } from '../../conformance/harness.js';
import { claimed, useStores } from './support/stores.js';

const SLEEP = { quietForMs: 1_500, pollIntervalMs: 1_000, checkIntervalMs: 1_000 };
const PATIENCE = { timeout: 60_000, interval: 100 };
/** A step as another program inserts it. */
const INSERT = `INSERT INTO STEP_TRACKER (step_id, payload) SELECT 'x', PARSE_JSON('{"type":"work","args":"sql"}')`;
/** A started queue, why it has woken, as which incarnations, and whom it has found dead, or fenced. */
interface Pod {
  readonly queue: AnyFleetQ;
  readonly awake: readonly string[];
  readonly lives: ReadonlySet<string>;
  readonly dead: readonly string[];
}

interface Given {
  /** What each handler does beside noting its args. */
  readonly work?: () => unknown;
  readonly options?: Pick<FleetQOptions, 'recoveryIntervalMs'>;
}

function fleetOf(used: ReturnType<typeof useStores>, { work, options = {} }: Given = {}) {
  const ran: string[] = [];
  const pods: Pod[] = [];
  const pod = (podId: string): Pod => {
    const store = snowflake({ connection: used.options(), ...used.place(), staleReadMs: 0, sleep: SLEEP });
    const queue = new FleetQ({ podId, store, heartbeatIntervalMs: 500, deadAfterMs: 10_000, ...options });
    queue.register('work', async (args) => {
      ran.push(String(args));
      await work?.();
    });
    const [awake, dead]: [string[], string[]] = [[], []];
    const lives = new Set<string>();
    queue.on('pod:asleep', ({ incarnation }) => lives.add(incarnation));
    queue.on('pod:awake', ({ incarnation, reason }) => {
      lives.add(incarnation);
      awake.push(reason);
    });
    queue.on('pod:dead', (pod) => dead.push(pod.podId));
    queue.on('pod:fenced', ({ podId }) => dead.push(podId));
    onTestFinished(() => queue.stop());
    return { queue, awake, lives, dead };
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

  test.each(['exact', 'flapping', 'late'] as const)(
    'finds a step of another program under a token that is %s',
    async (kind) => {
      const { changes } = used.bed().proxy;
      onTestFinished(() => void (changes.fault = undefined));
      const fleet = fleetOf(used);
      await fleet.start(2);
      await fleet.slept();
      if (kind !== 'exact') changes.fault = kind;
      const driver = await used.byHand();
      await driver.run(INSERT);
      await expect.poll(() => fleet.ran, PATIENCE).toEqual(['sql']);
    },
  );

  test('finds a step of another program by the number of rows, though the token stands still', async () => {
    const { changes } = used.bed().proxy;
    onTestFinished(() => void (changes.fault = undefined));
    const fleet = fleetOf(used);
    const pods = await fleet.start(2);
    await fleet.slept();
    changes.fault = 'frozen';
    const driver = await used.byHand();
    await driver.run(INSERT);
    await expect.poll(() => fleet.ran, PATIENCE).toEqual(['sql']);
    expect(pods.flatMap(({ awake }) => awake)).toContain('check');
  });

  test('recovers the step of a pod that dies at work, though all others were asleep when it began', async () => {
    const fleet = fleetOf(used, { options: { recoveryIntervalMs: 2_000 } });
    const pods = await fleet.start(3);
    const doomed = await used.open({ staleReadMs: 0, sleep: false });
    await doomed.submit([newStep({ stepId: 'held', args: 'held', delayMs: 3_600_000 })]);
    await fleet.slept();
    const { changes } = used.bed().proxy;
    changes.fault = 'frozen'; // so that no other is faster
    onTestFinished(() => void (changes.fault = undefined));
    const dead = { podId: 'doomed', incarnation: fresh('life') };
    await doomed.register({ ...dead, heartbeatMs: 500, deadAfterMs: 5_000, meta: {} });
    const driver = await used.byHand();
    await driver.run(`UPDATE STEP_TRACKER SET run_at = SYSDATE() WHERE step_id = 'held'`);
    expect(await claimed(doomed, dead)).toHaveLength(1); // and then it sends nothing more
    expect(pods.map(({ queue }) => queue.health().asleep)).toEqual([true, true, true]);
    changes.fault = undefined;
    await fleet.woken();
    expect(fleet.ran).toEqual([]);
    await expect.poll(() => fleet.ran, PATIENCE).toEqual(['held']);
    expect(new Set(pods.flatMap((pod) => pod.dead))).toEqual(new Set(['doomed']));
  }, 120_000);

  test('has its old leader again once ten pods are awake, and has evicted and fenced nobody', async () => {
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    const fleet = fleetOf(used, { work: () => ended });
    const pods = await fleet.start(10);
    await fleet.slept();
    const driver = await used.byHand();
    await driver.run(INSERT); // its handler runs until the test ends it, and keeps all awake
    await fleet.woken();
    await expect.poll(() => fleet.ran, PATIENCE).toEqual(['sql']);
    const leads = () => pods.map(({ queue }) => queue.health().isLeader);
    await expect.poll(leads, PATIENCE).toEqual([true, ...Array.from({ length: 9 }, () => false)]);
    expect(pods.map(({ queue }) => queue.health().asleep)).not.toContain(true);
    expect(pods.map(({ lives }) => lives.size)).toEqual(pods.map(() => 1)); // each is the incarnation that it was
    expect(pods.flatMap(({ dead }) => dead)).toEqual([]);
    end();
  }, 240_000);

  test('lets the warehouse suspend though a pod is paused, and works when that pod is resumed', async () => {
    const { suspension } = used.bed().proxy;
    suspension.configure({ secondMs: 10 }); // AUTO_SUSPEND after 600 ms
    onTestFinished(() => suspension.configure({ secondMs: 1_000 }));
    const fleet = fleetOf(used);
    const [paused, other] = await fleet.start(2);
    paused!.queue.pause();
    await fleet.slept();
    await expect.poll(() => suspension.state, PATIENCE).toBe('suspended');
    expect(paused!.queue.health()).toMatchObject({ paused: true, asleep: true, status: 'healthy' });
    other!.queue.pause();
    const driver = await used.byHand();
    await driver.run(INSERT); // the table has changed, so both look; and then sleep although a step is due
    await fleet.woken();
    await fleet.slept();
    await expect.poll(() => suspension.state, PATIENCE).toBe('suspended');
    expect(fleet.ran).toEqual([]);
    paused!.queue.resume();
    await expect.poll(() => fleet.ran, PATIENCE).toEqual(['sql']);
    expect(paused!.awake.at(-1)).toBe('local');
  }, 120_000);
});

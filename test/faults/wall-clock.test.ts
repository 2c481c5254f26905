/** The host's wall clock is wrong and is corrected: `runAt` follows real time, and no pod is evicted. */
import { describe, expect, test } from 'vitest';
import { BEAT, LOOKED, VirtualFleet, type VirtualPod } from './support/virtual-fleet.js';

const HOUR = 3_600_000;
const MINUTE = 60_000;

/** All processes of a host whose clock was wrong before the first of them started. */
async function wrongHost(wrongBy: number, pods = ['ada']): Promise<VirtualFleet> {
  const fleet = new VirtualFleet();
  fleet.client.machine.shiftWall(wrongBy);
  for (const podId of pods) await fleet.add(podId, { prepare: (machine) => machine.shiftWall(wrongBy) });
  return fleet;
}

function shiftAll(fleet: VirtualFleet, ms: number): void {
  for (const { machine } of [fleet.client, ...fleet.pods]) machine.shiftWall(ms);
}

/** Submits a step for an instant of real time, read from the virtual world's own clock. */
async function submitAt(fleet: VirtualFleet, inMs: number): Promise<{ readonly stepId: string; readonly due: number }> {
  const { client, world } = fleet;
  const runAt = world.wallMs() + inMs;
  const stepId = await fleet.until(client.queue.submit({ type: 'work', args: { ms: 1 }, runAt }));
  expect((await client.queue.getStep(stepId)).runAt).toBe(runAt);
  fleet.stepIds.push(stepId);
  return { stepId, due: runAt - world.wallMs() + fleet.now };
}

const at = (fleet: VirtualFleet, stepId: string): number | undefined => fleet.runsOf(stepId)[0]?.at;

describe.each([
  ['ahead', HOUR],
  ['behind', -HOUR],
])('a wall clock that is an hour %s at the first start, and is put right', (_direction, wrongBy) => {
  test('runs a step at its instant, submitted before or after the correction', async () => {
    const fleet = await wrongHost(wrongBy);
    const early = await submitAt(fleet, 90 * MINUTE);
    await fleet.pass(5_000);
    shiftAll(fleet, -wrongBy);
    await fleet.pass(BEAT);
    const steps = [await submitAt(fleet, 5_000), await submitAt(fleet, 30 * MINUTE), early];
    await fleet.pass(90 * MINUTE + LOOKED);
    for (const { stepId, due } of steps) {
      expect(at(fleet, stepId)).toBeGreaterThanOrEqual(due);
      expect(at(fleet, stepId)).toBeLessThan(due + LOOKED);
    }
    expect(fleet.emitted('pod:dead', 'pod:left')).toEqual([]);
    expect(fleet.pods[0]?.queue.health()).toMatchObject({ status: 'healthy', warnings: [] });
  });

  test('runs a step at its instant if the clock was corrected before the first pod started', async () => {
    const fleet = await wrongHost(wrongBy, []);
    const { stepId, due } = await submitAt(fleet, 30 * MINUTE);
    await fleet.pass(MINUTE);
    shiftAll(fleet, -wrongBy);
    await fleet.add('ada');
    await fleet.pass(30 * MINUTE);
    expect(at(fleet, stepId)).toBeGreaterThanOrEqual(due);
    expect(at(fleet, stepId)).toBeLessThan(due + LOOKED);
  });
});

test('wakes a sleeping pod when a clock that is set forward makes a step due earlier', async () => {
  const fleet = new VirtualFleet();
  await fleet.add('ada', { options: { idleIntervalMs: 10 * MINUTE }, watched: true });
  const { stepId, due } = await submitAt(fleet, 10 * MINUTE);
  await fleet.pass(9 * MINUTE); // by now it polls only when a step is due
  shiftAll(fleet, 3_000); // too little to look like a suspended host, which would wake all pods
  await fleet.pass(2 * MINUTE);
  expect(at(fleet, stepId)).toBeGreaterThanOrEqual(due - 3_000);
  expect(at(fleet, stepId)).toBeLessThan(due - 2_500);
});

test('runs a step at its instant after the host was suspended', async () => {
  const fleet = new VirtualFleet();
  for (const podId of ['ada', 'grace']) await fleet.add(podId);
  const missed = await submitAt(fleet, 2 * HOUR);
  const [delayed] = await fleet.submit({ ms: 1, delayMs: MINUTE });
  const submitted = fleet.now;
  const later = await submitAt(fleet, 8 * HOUR + MINUTE);
  for (const { machine } of [fleet.client, ...fleet.pods]) machine.suspend(8 * HOUR);
  const resumed = fleet.now;
  await fleet.pass(2 * MINUTE);
  expect(at(fleet, missed.stepId)).toBeLessThan(resumed + BEAT + LOOKED);
  const due = later.due - 8 * HOUR; // on the clock that stood still
  expect(at(fleet, later.stepId)).toBeGreaterThanOrEqual(due);
  expect(at(fleet, later.stepId)).toBeLessThan(due + LOOKED);
  expect(at(fleet, delayed ?? '')).toBeGreaterThanOrEqual(submitted + MINUTE);
  expect(fleet.emitted('pod:dead')).toEqual([]);
});

describe.each([
  ['ahead of', HOUR],
  ['behind', -HOUR],
])('a pod whose wall clock alone is an hour %s the others’', (direction, wrongBy) => {
  const warning = `the wall clock of this pod is ${HOUR} ms ${direction} the store's`;
  const wrong = { prepare: (machine: VirtualPod['machine']) => machine.shiftWall(wrongBy) };

  test('causes a warning while it lasts, keeps the pod healthy, and runs steps at their instants', async () => {
    const fleet = new VirtualFleet();
    const ada = await fleet.add('ada');
    const mary = await fleet.add('mary', wrong);
    const { stepId, due } = await submitAt(fleet, 10_000);
    ada.queue.pause();
    await fleet.pass(20_000);
    expect(mary.runs.map((run) => run.stepId)).toEqual([stepId]);
    expect(at(fleet, stepId)).toBeGreaterThanOrEqual(due);
    expect(at(fleet, stepId)).toBeLessThan(due + LOOKED);
    expect(mary.queue.health()).toMatchObject({ status: 'healthy', problems: [], warnings: [warning] });
    expect(ada.queue.health().warnings).toEqual([]);
    mary.machine.shiftWall(-wrongBy);
    await fleet.pass(BEAT + LOOKED);
    expect(mary.queue.health().warnings).toEqual([]);
    expect(fleet.emitted('pod:dead')).toEqual([]);
  });

  test('is the reference if its pod is the oldest, and the other pods warn', async () => {
    const fleet = new VirtualFleet();
    const mary = await fleet.add('mary', wrong);
    const ada = await fleet.add('ada');
    await fleet.pass(2 * BEAT);
    expect(mary.queue.health().warnings).toEqual([]);
    expect(ada.queue.health().warnings).toHaveLength(1);
  });
});

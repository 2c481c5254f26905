/** The clock of one pod is an hour wrong: no pod is evicted, and retries, delays and recovery keep time. */
import { describe, expect, test } from 'vitest';
import { LOOKED, RECOVERED, VirtualFleet, type VirtualPod } from './support/virtual-fleet.js';

const HOUR = 3_600_000;
/** How long a pod may take to notice a due step: its idle interval, and a heartbeat after an unneeded fence. */
const NOTICED = 2_500;

const shifts = [
  ['set forward', HOUR],
  ['set back', -HOUR],
] as const;
const moments = ['before it starts', 'while it runs'] as const;
const cases = shifts.flatMap(([how, ms]) => moments.map((moment) => [how, moment, ms] as const));

/** Two pods with correct clocks, and one with a wrong clock, which is the oldest or the youngest. */
async function fleetWith(
  moment: (typeof moments)[number],
  ms: number,
  oldest: boolean,
): Promise<[VirtualFleet, VirtualPod]> {
  const fleet = new VirtualFleet();
  const others = ['ada', 'grace'];
  const wrong =
    moment === 'before it starts' ? { prepare: (machine: VirtualPod['machine']) => machine.shiftWall(ms) } : {};
  if (!oldest) for (const podId of others) await fleet.add(podId);
  const pod = await fleet.add('mary', wrong);
  if (oldest) for (const podId of others) await fleet.add(podId);
  await fleet.pass(5_000);
  if (moment === 'while it runs') pod.machine.shiftWall(ms);
  return [fleet, pod];
}

describe.each(cases)('a wall clock %s by an hour %s', (_how, moment, ms) => {
  test('evicts no pod, and all pods work', async () => {
    const [fleet] = await fleetWith(moment, ms, false);
    await fleet.submit(...Array.from({ length: 300 }, () => ({ ms: 1_000 })));
    await fleet.pass(60_000);
    expect(fleet.emitted('pod:dead', 'pod:left')).toEqual([]);
    for (const { queue, events } of fleet.pods) {
      expect(queue.health().problems).toEqual([]);
      expect(events.of('step:completed').length).toBeGreaterThan(0);
    }
    await fleet.expectNothingLost();
  });

  test('changes no delay and no retry, on any submitter and any pod', async () => {
    const [fleet, pod] = await fleetWith(moment, ms, false);
    await fleet.pass(5_000); // a clock set forward costs one heartbeat
    const since = fleet.now;
    const delayed = await fleet.submit(...Array.from({ length: 30 }, () => ({ ms: 1, delayMs: 10_000 })));
    const own = await fleet.until(pod.queue.submit({ type: 'work', args: { ms: 1 }, delayMs: 10_000 }));
    const retried = await fleet.submit(...Array.from({ length: 30 }, () => ({ ms: 1, retryMs: 10_000 })));
    await fleet.pass(30_000);
    for (const id of [...delayed, own]) {
      const [run] = fleet.runsOf(id);
      expect(run?.at).toBeGreaterThanOrEqual(since + 10_000);
      expect(run?.at).toBeLessThan(since + 10_000 + NOTICED);
    }
    for (const id of retried) {
      const [first, second] = fleet.runsOf(id);
      expect(second!.at - first!.at).toBeGreaterThanOrEqual(10_000);
      expect(second!.at - first!.at).toBeLessThan(10_000 + NOTICED);
    }
    await fleet.expectNothingLost();
  });

  test('neither speeds up nor delays recovery, also if it is the leader’s clock', async () => {
    const [fleet, leader] = await fleetWith(moment, ms, true);
    await fleet.pass(5_000);
    const [victim] = fleet.pods.filter((pod) => pod !== leader);
    const [id] = await fleet.submit(...Array.from({ length: 24 }, () => ({ ms: 3_000 })));
    await fleet.pass(LOOKED);
    expect(victim?.events.of('step:started').length).toBeGreaterThan(0);
    victim?.freeze(); // a frozen pod that never resumes stands for a killed one
    const diedAt = fleet.now;
    await fleet.pass(RECOVERED + 10_000);
    expect(leader.events.of('pod:dead').map(({ podId }) => podId)).toEqual([victim?.podId]);
    const again = fleet.stepIds.flatMap((stepId) => fleet.runsOf(stepId).slice(1));
    expect(again.length).toBeGreaterThan(0);
    for (const { at } of again) {
      expect(at).toBeGreaterThan(diedAt + 10_000);
      expect(at).toBeLessThan(diedAt + RECOVERED + NOTICED);
    }
    for (const stepId of fleet.stepIds) {
      expect(await fleet.client.queue.getStep(stepId), id).toMatchObject({ status: 'completed' });
    }
  });
});

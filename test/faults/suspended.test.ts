/** A machine is suspended for longer than dead-after: its pods do nothing until a heartbeat is answered, and nothing is lost. */
import { expect, test } from 'vitest';
import { DEAD_AFTER, LOOKED, RECOVERED, VirtualFleet } from './support/virtual-fleet.js';

const HOURS = 8 * 3_600_000;

async function atWork(steps = 40): Promise<VirtualFleet> {
  const fleet = new VirtualFleet();
  for (const podId of ['ada', 'grace']) await fleet.add(podId);
  await fleet.submit(...Array.from({ length: steps }, () => ({ ms: 2_000 })));
  await fleet.pass(LOOKED);
  return fleet;
}

test('fences all pods of a suspended host, evicts none, and continues', async () => {
  const fleet = await atWork();
  const lives = fleet.pods.map(({ events }) => events.of('pod:joined')[0]?.incarnation);
  for (const { machine } of fleet.pods) machine.suspend(HOURS);
  await fleet.pass(RECOVERED);
  for (const [i, { events, queue }] of fleet.pods.entries()) {
    expect(events.of('pod:fenced')).toMatchObject([{ reason: 'frozen', recoverable: true, incarnation: lives[i] }]);
    expect(queue.health().problems).toEqual([]);
  }
  expect(fleet.emitted('pod:dead', 'step:lost')).toEqual([]);
  await fleet.pass(30_000);
  await fleet.expectNothingLost();
});

test('starts and settles nothing between the resume and an answered heartbeat', async () => {
  const fleet = await atWork(120);
  const [ada] = fleet.pods;
  ada?.machine.suspend(2 * DEAD_AFTER);
  ada?.line.breaks('hangs', 'heartbeat');
  const [runs, completed] = [ada?.runs.length, ada?.events.of('step:completed').length];
  await fleet.pass(8_000); // its steps end meanwhile
  expect(ada?.events.of('pod:fenced')).toMatchObject([{ reason: 'frozen' }]);
  expect([ada?.runs.length, ada?.events.of('step:completed').length]).toEqual([runs, completed]);
  ada?.line.heals();
  await fleet.pass(60_000);
  expect(ada?.runs.length).toBeGreaterThan(runs ?? 0);
  await fleet.expectNothingLost();
});

test('gives the steps of one suspended machine to others; its pod returns as a new incarnation and settles nothing old', async () => {
  const fleet = await atWork();
  const [ada, grace] = fleet.pods;
  const held = ada?.runs.map(({ stepId }) => stepId) ?? [];
  expect(held.length).toBeGreaterThan(0);
  const life = ada?.events.of('pod:joined')[0]?.incarnation;
  ada?.freeze('stops');
  await fleet.pass(RECOVERED + 20_000);
  expect(grace?.events.of('pod:dead')).toMatchObject([{ podId: 'ada', incarnation: life }]);
  ada?.thaw();
  await fleet.pass(10_000);
  expect(ada?.events.of('pod:fenced').map(({ reason }) => reason)).toContain('evicted');
  expect(ada?.events.of('pod:joined').filter(({ podId }) => podId === 'ada')).toHaveLength(2);
  for (const id of held) {
    const step = await fleet.client.queue.getStep(id);
    expect(step).toMatchObject({ status: 'completed', result: { by: 'grace' } });
  }
  expect(ada?.events.of('step:completed').filter(({ stepId }) => held.includes(stepId))).toEqual([]);
  const [again] = await fleet.submit({ ms: 10 });
  await fleet.pass(3_000);
  expect(await fleet.client.queue.getStep(again ?? '')).toMatchObject({ status: 'completed' });
});

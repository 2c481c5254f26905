/** Whole queues on virtual time, some of them paused, over stores whose idle pods sleep. */
import { FleetQ, type StoreFactory } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { describe, expect, test } from 'vitest';
import { sleep } from '../../src/runtime/runtime.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';
import type { Store } from '../../src/store/contract.js';
import { stopped, temporaryPath } from '../support/queues.js';
import { SleepyFleet } from './support/sleepy-fleet.js';

const RHYTHM = { quietForMs: 30_000, pollIntervalMs: 10_000, checkIntervalMs: 3_600_000, lookIntervalMs: 21_600_000 };

async function fleetOf(...podIds: readonly string[]) {
  const world = new VirtualRuntime({ seed: 1 });
  const path = temporaryPath();
  const shared = new SleepyFleet(RHYTHM);
  const ran: string[] = [];
  const store: StoreFactory = {
    name: 'sqlite',
    create: (environment) => shared.over(sqlite({ path }).create(environment) as Store),
  };
  const pods = podIds.map((podId) => {
    const machine = world.fork();
    const queue = stopped(new FleetQ({ store, podId, runtime: machine }));
    const awake: string[] = [];
    queue.register('work', async () => {
      await sleep(machine, 1_000);
      ran.push(podId);
    });
    queue.on('pod:awake', ({ reason }) => awake.push(reason));
    return { queue, machine, awake };
  });
  const client = stopped(new FleetQ({ store, runtime: world }));
  await client.stats();
  for (const { queue } of pods) await queue.stats(); // the real file system takes no time of this world
  for (const { queue } of pods) await world.until(queue.start());
  return {
    world,
    ran,
    pods,
    asleep: () => pods.map(({ queue }) => queue.health().asleep),
    submit: () => world.until(client.submit({ type: 'work' } as never)),
    stop: async () => {
      for (const { queue } of pods) await world.until(queue.stop());
    },
  };
}

describe('a fleet with a pod that is paused', () => {
  test('falls asleep, and the paused pod with it', async () => {
    const { world, pods, asleep, submit, ran, stop } = await fleetOf('a', 'b');
    pods[0]!.queue.pause();
    await world.advance(120_000);
    expect(asleep()).toEqual([true, true]);
    expect(pods[0]!.queue.health()).toMatchObject({ paused: true, asleep: true, status: 'healthy' });
    await submit();
    await world.advance(30_000);
    expect(ran).toEqual(['b']);
    expect(pods.map(({ awake }) => awake)).toEqual([['change'], ['change']]);
    await world.advance(120_000);
    expect(asleep()).toEqual([true, true]);
    await stop();
  });

  test('sleeps although steps are due if all pods are paused, and the pod that is resumed works', async () => {
    const { world, pods, asleep, submit, ran, stop } = await fleetOf('a', 'b');
    for (const { queue } of pods) queue.pause();
    await submit();
    await world.advance(120_000);
    expect(asleep()).toEqual([true, true]);
    await world.advance(3_600_000);
    expect(pods.map(({ awake }) => awake)).toEqual([[], []]); // what is due wakes no pod that would not take it
    pods[1]!.queue.resume();
    await world.advance(5_000);
    expect(ran).toEqual(['b']);
    expect(pods[1]!.awake).toEqual(['local']);
    await stop();
  });

  test('wakes the paused pod while another works, so that it recovers the step if that pod dies', async () => {
    const { world, pods, asleep, submit, ran, stop } = await fleetOf('a', 'b');
    const [paused, other] = [pods[0]!, pods[1]!];
    paused.queue.pause();
    await world.advance(120_000);
    expect(asleep()).toEqual([true, true]);
    const dead: string[] = [];
    const recovered: string[] = [];
    paused.queue.on('pod:dead', ({ podId }) => dead.push(podId));
    paused.queue.on('step:released', ({ stepId }) => recovered.push(stepId));
    other.queue.on('step:claimed', () => other.machine.freeze());
    const stepId = await submit();
    await world.advance(180_000);
    expect([dead, recovered, ran]).toEqual([['b'], [stepId], []]);
    expect(asleep()[0]).toBe(true); // nothing is left for it to do
    other.machine.thaw();
    await stop();
  });
});

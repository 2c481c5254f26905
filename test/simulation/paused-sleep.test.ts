/** Whole pods, some of them paused, over stores whose idle pods sleep. */
import { afterEach, describe, expect, it } from 'vitest';
import type { SimulatedPod } from './simulated-pod.js';
import type { Simulation } from './simulation.js';
import { SleepyConnection } from './sleepy-connection.js';
import { expectNothingLost, fallAsleep, useSimulation } from './use-simulation.js';

const { begin, path } = useSimulation();
let simulation: Simulation;
let sleepy: SleepyConnection;
afterEach(() => sleepy.close());

/** Two pods; the first is paused. */
async function fleet(): Promise<readonly [paused: SimulatedPod, other: SimulatedPod]> {
  simulation = await begin(1);
  sleepy = new SleepyConnection(path());
  const add = () => simulation.add(undefined, { over: (store) => sleepy.over(store) });
  const pods = [await add(), await add()] as const;
  pods[0].pod.pool.pause();
  return pods;
}

const awake = ({ recorded }: SimulatedPod) => recorded.of('pod:awake').map(({ reason }) => reason);
const completed = ({ recorded }: SimulatedPod) => recorded.of('step:completed').length;

describe('a fleet with a pod that is paused', () => {
  it('falls asleep, and the paused pod with it, before and after the other pod has worked', async () => {
    const [paused, other] = await fleet();
    await fallAsleep(simulation);
    expect(paused.pod.health()).toMatchObject({ paused: true, asleep: true, status: 'healthy' });
    await simulation.submit(5);
    await simulation.run(10_000);
    expect([completed(paused), completed(other)]).toEqual([0, 5]);
    expect([awake(paused)[0], awake(other)[0]]).toEqual(['change', 'change']);
    await fallAsleep(simulation);
    await expectNothingLost(simulation);
  });

  it('sleeps although steps are due if all pods are paused, and the pod that is resumed works', async () => {
    const [paused, other] = await fleet();
    other.pod.pool.pause();
    await simulation.submit(3);
    await fallAsleep(simulation);
    const before = simulation.pods.map(awake);
    await simulation.run(100_000);
    expect(simulation.pods.map(awake)).toEqual(before); // what is due wakes no pod that would not take it
    paused.pod.pool.resume();
    await simulation.run(5_000);
    expect(awake(paused)).toEqual([...before[0]!, 'local']);
    expect([completed(paused), completed(other)]).toEqual([3, 0]);
    await expectNothingLost(simulation);
  });

  it('wakes the paused pod while another works, so that it recovers the step if that pod dies', async () => {
    const [paused, other] = await fleet();
    await fallAsleep(simulation);
    other.recorded.events.on('step:started', () => other.kill());
    await simulation.submit(1);
    await simulation.run(60_000);
    expect(paused.recorded.of('pod:dead')).toMatchObject([{ podId: other.podId }]);
    const [step] = await simulation.steps();
    expect(step).toMatchObject({ status: 'pending', crashes: 1 });
    await fallAsleep(simulation, [paused]); // nothing is left for it to do
    paused.pod.pool.resume();
    await simulation.run(10_000);
    await expectNothingLost(simulation);
  });
});

/** `testFleet`: crashes, freezes and an unreachable store, as an application's tests inject them. */
import { defineStep } from 'fleet-q';
import { testFleet } from 'fleet-q/testing';
import { describe, expect, test } from 'vitest';

/** A handler that is not idempotent: it shows how often it ran. */
function sending() {
  const outbox: string[] = [];
  const send = defineStep({ type: 'send', run: async ({ to }: { to: string }) => void outbox.push(to) });
  return { outbox, send };
}

describe('a pod that dies', () => {
  test('at the end of a handler: the work is done, and is done again', async () => {
    const { outbox, send } = sending();
    await using fleet = testFleet({ steps: [send] });
    const ended: unknown[] = [];
    fleet.queue.on('step:completed', ({ stepId }) => ended.push(stepId));
    const stepId = await fleet.queue.submit(send, { to: 'a' });
    fleet.crashDuring(send);
    const { elapsedMs, ...drained } = await fleet.drain();
    expect(drained).toEqual({ runs: 2, completed: 1, failed: 0, cancelled: 0 });
    expect(elapsedMs).toBeGreaterThan(10_000); // the fleet must find out that the pod is dead
    expect(outbox).toEqual(['a', 'a']);
    expect(fleet.runs(send).map(({ outcome }) => outcome)).toEqual(['crashed', 'returned']);
    expect(await fleet.queue.getStep(stepId)).toMatchObject({ status: 'completed', crashes: 1, retryCount: 0 });
    expect(ended).toEqual([stepId]);
    expect(fleet.pods.map(({ podId, state }) => [podId, state])).toEqual([['pod-1', 'running']]);
  });

  test('at its start: nothing is done twice', async () => {
    const { outbox, send } = sending();
    await using fleet = testFleet({ steps: [send] });
    await fleet.queue.submit(send, { to: 'a' });
    fleet.crashDuring('send', { at: 'start', times: 2 });
    expect(await fleet.drain()).toMatchObject({ runs: 3, completed: 1 });
    expect(outbox).toEqual(['a']);
  });

  test('in the middle, where a stub says so', async () => {
    const log: string[] = [];
    const charge = defineStep({
      type: 'charge',
      run: async () => {
        log.push('before');
        if (log.length === 1) await fleet.crashHere();
        log.push('after');
      },
    });
    await using fleet = testFleet({ steps: [charge] });
    await fleet.queue.submit(charge);
    await fleet.drain();
    expect(log).toEqual(['before', 'before', 'after']);
  });

  test('too often because of one step: the step fails', async () => {
    const { send } = sending();
    await using fleet = testFleet({ steps: [send], pods: 2 });
    const stepId = await fleet.queue.submit(send, { to: 'a' });
    fleet.crashDuring(send, { times: 10 });
    expect(await fleet.drain()).toMatchObject({ failed: 1, completed: 0 });
    expect(await fleet.queue.getStep(stepId)).toMatchObject({ status: 'failed', error: { code: 'STEP_CRASHED_POD' } });
  });

  test('without a restart: another takes over, and a handler of the dead one reaches nothing any more', async () => {
    let free = (): void => undefined;
    const ids: string[] = [];
    const child = defineStep({ type: 'child', run: () => undefined });
    const slow = defineStep({
      type: 'slow',
      run: async (_: undefined, ctx): Promise<string> => {
        if (fleet.runs('slow').length === 1) {
          await new Promise<void>((resolve) => (free = resolve));
          ids.push(await ctx.submit(child));
          ids.push(await fleet.queue.submit(child));
        }
        return ctx.podId;
      },
    });
    await using fleet = testFleet({ steps: [slow, child], pods: 1 });
    const stepId = await fleet.queue.submit(slow);
    const drained = fleet.drain();
    while (fleet.runs().length === 0) await new Promise((resolve) => setImmediate(resolve));
    const [first] = fleet.pods;
    const second = fleet.addPod();
    first?.crash({ restart: false });
    free();
    await drained;
    expect(first?.state).toBe('crashed');
    expect(() => first?.health()).toThrow(expect.objectContaining({ code: 'NOT_STARTED' }));
    expect(await fleet.queue.getStep(stepId)).toMatchObject({ status: 'completed', result: (await second).podId });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(ids).toEqual([]);
    expect(await fleet.steps(child)).toEqual([]);
  });

  test('while it is idle, and while all time is skipped: the others stay, and agree on a leader', async () => {
    const { outbox, send } = sending();
    await using fleet = testFleet({ steps: [send], pods: 3 });
    const elected: string[] = [];
    const gone: string[] = [];
    fleet.queue.on('leader:elected', ({ podId }) => elected.push(podId));
    fleet.queue.on('pod:dead', ({ podId }) => gone.push(podId));
    fleet.queue.on('pod:fenced', ({ podId }) => gone.push(podId));
    await fleet.start();
    await fleet.queue.submitMany(send, [{ to: 'a' }, { to: 'b' }], (_, i) => ({ delayMs: (i + 1) * 86_400_000 }));
    await fleet.drain();
    expect([outbox, gone, elected.length]).toEqual([['a', 'b'], [], 1]);
    expect(await fleet.queue.stats()).toMatchObject({ activePods: 3, currentLeader: elected[0] });
    fleet.pods.find(({ podId }) => podId === elected[0])?.crash({ restart: false });
    await fleet.clock.advance(60_000);
    expect([...new Set(gone)]).toEqual([elected[0]]);
    expect(elected).toHaveLength(2);
    expect(await fleet.queue.leader()).toMatchObject({ currentLeader: elected[1] });
  });
});

test('a frozen pod: others take its steps, and its own outcome is refused', async () => {
  let free = (): void => undefined;
  const slow = defineStep({
    type: 'slow',
    run: async (_: undefined, { podId }): Promise<string> => {
      if (fleet.runs('slow').length === 1) await new Promise<void>((resolve) => (free = resolve));
      return podId;
    },
  });
  await using fleet = testFleet({ steps: [slow], pods: 2 });
  const lost: string[] = [];
  fleet.queue.on('step:lost', ({ podId }) => lost.push(podId));
  const stepId = await fleet.queue.submit(slow);
  const drained = fleet.drain();
  while (fleet.runs().length === 0) await new Promise((resolve) => setImmediate(resolve));
  const frozen = fleet.pods.find(({ podId }) => podId === fleet.runs()[0]?.podId);
  frozen?.freeze();
  expect(frozen?.state).toBe('frozen');
  await drained;
  const winner = fleet.runs()[1]?.podId;
  expect(await fleet.queue.getStep(stepId)).toMatchObject({ status: 'completed', result: winner });
  frozen?.resume();
  free();
  await fleet.clock.advance(10_000);
  expect(lost).toEqual([frozen?.podId]);
  expect(winner).not.toBe(frozen?.podId);
});

describe('a store that cannot be reached', () => {
  test('refuses calls until it is back, and nothing is lost', async () => {
    const { outbox, send } = sending();
    await using fleet = testFleet({ steps: [send] });
    await fleet.start();
    await fleet.queue.submit(send, { to: 'a' }, { delayMs: 1_000 });
    fleet.disconnect();
    await expect(fleet.queue.submit(send, { to: 'b' })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await expect(fleet.steps()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await fleet.clock.advance(60_000);
    expect(outbox).toEqual([]);
    fleet.reconnect();
    expect(await fleet.drain()).toMatchObject({ completed: 1 });
    expect(outbox).toEqual(['a']);
  });

  test('from one pod: another runs its steps', async () => {
    const { outbox, send } = sending();
    await using fleet = testFleet({ steps: [send], pods: 2 });
    await fleet.start();
    fleet.pods[0]?.disconnect();
    await fleet.queue.submit(send, { to: 'a' });
    expect(await fleet.drain()).toMatchObject({ completed: 1 });
    expect(fleet.runs(send)).toMatchObject([{ podId: 'pod-2' }]);
    fleet.pods[0]?.reconnect();
    await fleet.pods[1]?.stop();
    await fleet.queue.submit(send, { to: 'b' });
    await fleet.drain();
    expect(outbox).toEqual(['a', 'b']);
    expect(fleet.pods.map(({ state }) => state)).toEqual(['running', 'stopped']);
  });
});

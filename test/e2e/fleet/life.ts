/** A fleet of three pods when one of them dies, leaves, or comes back. */
import { describe, expect, test } from 'vitest';
import type { StepContext } from 'fleet-q';
import { aborted, assemble, gate, raise, type Fleet, type Ground } from './ground.js';

export function living(ground: () => Ground): void {
  const soon = () => ({ timeout: 5 * ground().timing.deadAfterMs });

  describe('pods', () => {
    test('hand the work of a pod that is cut off to others, and settle nothing twice', async () => {
      const line = await ground().line();
      const reasons: unknown[] = [];
      const all = gate();
      let started = 0;
      const work = async (_: undefined, { podId, signal }: StepContext) => {
        if (podId !== 'ada') return podId;
        if (++started === 4) all.open();
        reasons.push(await aborted(signal));
        return 'too late';
      };
      const { pods, client, emitted } = assemble(ground(), {
        register: (queue) => queue.register('work', work),
        options: (podId) => (podId === 'ada' ? { store: line.store } : {}),
      });
      await pods.ada.start();
      const ids = await client.submitMany(Array.from({ length: 4 }, () => ({ type: 'work' })));
      await all.opened;
      await pods.grace.start();
      await pods.linus.start();
      await expect.poll(() => client.leader(), soon()).toMatchObject({ currentLeader: 'ada', activePods: 3 });

      line.cut();
      const results = await Promise.all(ids.map((id) => client.waitFor(id)));
      expect(results.filter((result) => result !== 'grace' && result !== 'linus')).toEqual([]);
      for (const id of ids) expect(await client.getStep(id)).toMatchObject({ retryCount: 0, crashes: 1 });
      expect(emitted('leader:elected').map(({ on }) => on)).toEqual(['ada', 'grace']);
      await expect.poll(() => emitted('recovery:completed').filter(deadOf('ada')), soon()).toHaveLength(1);
      const [recovery] = emitted('recovery:completed').filter(deadOf('ada'));
      expect(recovery).toMatchObject({ on: 'grace' });
      expect([...(recovery!.payload['requeued'] as string[])].sort()).toEqual([...ids].sort());
      // The pods share a process: if the machine stalls for long, all of them are fenced as frozen.
      const fenced = () => emitted('pod:fenced').filter(({ payload }) => payload['reason'] !== 'frozen');
      await expect.poll(fenced, soon()).toMatchObject([{ on: 'ada', payload: { reason: 'silent' } }]);
      await expect.poll(() => reasons, soon()).toHaveLength(4);

      line.mend();
      await expect
        .poll(() => emitted('pod:fenced').map(({ payload }) => payload['reason']), soon())
        .toContain('evicted');
      await expect.poll(() => pods.ada.health().status, soon()).toBe('healthy');
      await expect.poll(() => client.leader(), soon()).toMatchObject({ currentLeader: 'grace', activePods: 3 });
      for (const id of ids) {
        expect(emitted('step:completed', id)).toHaveLength(1);
        expect((await client.getStep(id)).status).toBe('completed');
      }
      expect(emitted('step:completed').filter(({ on }) => on === 'ada')).toEqual([]);
    });

    test('pass leadership to the next oldest when the oldest leaves', async () => {
      const { pods, client, emitted } = await raise(ground(), { register: (queue) => queue.register('a', () => 1) });
      const leaders = () => emitted('leader:elected').map(({ on }) => on);
      for (const [podId, next, left] of [
        ['ada', 'grace', 2],
        ['grace', 'linus', 1],
      ] as const) {
        const first = { currentLeader: podId, activePods: left + 1 };
        await expect.poll(() => client.leader(), soon()).toMatchObject(first);
        await pods[podId].stop();
        await expect.poll(() => client.leader(), soon()).toMatchObject({ currentLeader: next, activePods: left });
        await expect.poll(leaders, soon()).toContain(next);
      }
      expect(leaders()).toEqual(['ada', 'grace', 'linus']);
      expect(await client.waitFor(await client.submit({ type: 'a' }))).toBe(1);
    });

    test('finish what runs, give back the rest uncharged, and leave when they stop', async () => {
      const [running, go] = [gate(), gate()];
      const work = async (n: number, { podId }: StepContext) => {
        if (podId !== 'ada' || n < QUICK_STEPS) return podId;
        running.open();
        await go.opened;
        return podId;
      };
      const { pods, client, emitted } = await raise(ground(), {
        register: (queue) => queue.register('work', work),
        options: (podId) => (podId === 'ada' ? { maxParallelism: 2, capacityThreshold: 1 } : {}),
      });
      pods.grace.pause();
      pods.linus.pause();
      const ids = await client.submitMany(Array.from({ length: 300 }, (_, args) => ({ type: 'work', args })));
      await running.opened;
      const stopping = pods.ada.stop();
      pods.grace.resume();
      pods.linus.resume();
      go.open();
      await stopping;
      const results = await Promise.all(ids.map((id) => client.waitFor(id)));
      expect(results[QUICK_STEPS]).toBe('ada'); // it ran when `stop` was called
      const released = unstarted({ emitted }, results, ids);
      expect(released.length).toBeGreaterThan(0);
      for (const id of released) expect(emitted('step:released', id).map(({ on }) => on)).toContain('ada');
      expect(emitted('recovery:completed').flatMap(({ payload }) => payload['orphans'])).toEqual([]); // and no orphan was left to the leader
      for await (const { retryCount, crashes } of client.listSteps()) {
        expect({ retryCount, crashes }).toEqual({ retryCount: 0, crashes: 0 });
      }
      await expect.poll(() => emitted('step:completed')).toHaveLength(300);
      await expect.poll(() => client.leader(), soon()).toMatchObject({ currentLeader: 'grace', activePods: 2 });
    });

    test('abort what outlasts the drain time, and give it back uncharged', async () => {
      const running = gate();
      const work = async (_: undefined, { podId, signal }: StepContext) => {
        if (podId !== 'ada') return podId;
        running.open();
        await aborted(signal);
        throw signal.reason;
      };
      const { pods, client, emitted } = assemble(ground(), {
        register: (queue) => queue.register('work', work),
        options: { drainTimeoutMs: 200 },
      });
      await pods.ada.start();
      const id = await client.submit({ type: 'work' });
      await running.opened;
      await pods.grace.start();
      await pods.linus.start();
      await pods.ada.stop();
      expect(await client.waitFor(id)).toMatch(/grace|linus/);
      expect(await client.getStep(id)).toMatchObject({ retryCount: 0, crashes: 0 });
      expect(emitted('step:released', id)).toMatchObject([{ on: 'ada' }]);
      expect(emitted('recovery:completed').flatMap(({ payload }) => payload['orphans'])).toEqual([]);
    });
  });
}

/** The handlers of the stopping pod wait after these: by then it holds some claims that have not started. */
const QUICK_STEPS = 100;

const deadOf =
  (podId: string) =>
  ({ payload }: { readonly payload: Readonly<Record<string, unknown>> }): boolean =>
    (payload['deadPods'] as { podId: string }[]).some((pod) => pod.podId === podId);

/** Steps that ada claimed and another pod ran. */
function unstarted({ emitted }: Pick<Fleet, 'emitted'>, results: readonly unknown[], ids: readonly string[]): string[] {
  return ids.filter((id, i) => results[i] !== 'ada' && emitted('step:claimed', id).some(({ on }) => on === 'ada'));
}

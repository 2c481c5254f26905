/** How a fleet of three pods lives on when one of them dies, leaves, or comes back. */
import { describe, expect, test } from 'vitest';
import type { StepContext } from 'fleet-q';
import { aborted, assemble, gate, raise, type Fleet, type Ground } from './ground.js';

export function living(ground: () => Ground): void {
  const soon = () => ({ timeout: 5 * ground().timing.deadAfterMs });

  describe('pods', () => {
    test('one that is cut off: it stops its work, the next eldest leads and takes it back, and nothing is settled twice', async () => {
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
      const { pods, client, told } = assemble(ground(), {
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
      expect(told('leader:elected').map(({ on }) => on)).toEqual(['ada', 'grace']);
      await expect.poll(() => told('recovery:completed').filter(deadOf('ada')), soon()).toHaveLength(1);
      const [recovery] = told('recovery:completed').filter(deadOf('ada'));
      expect(recovery).toMatchObject({ on: 'grace' });
      expect([...(recovery!.payload['requeued'] as string[])].sort()).toEqual([...ids].sort());
      // The pods share a process: where the machine stands still for long they have all been frozen, and say so.
      const fenced = () => told('pod:fenced').filter(({ payload }) => payload['reason'] !== 'frozen');
      await expect.poll(fenced, soon()).toMatchObject([{ on: 'ada', payload: { reason: 'silent' } }]);
      await expect.poll(() => reasons, soon()).toHaveLength(4);

      line.mend();
      await expect.poll(() => told('pod:fenced').map(({ payload }) => payload['reason']), soon()).toContain('evicted');
      await expect.poll(() => pods.ada.health().status, soon()).toBe('healthy');
      await expect.poll(() => client.leader(), soon()).toMatchObject({ currentLeader: 'grace', activePods: 3 });
      for (const id of ids) {
        expect(told('step:completed', id)).toHaveLength(1);
        expect((await client.getStep(id)).status).toBe('completed');
      }
      expect(told('step:completed').filter(({ on }) => on === 'ada')).toEqual([]);
    });

    test('the eldest leads, and hands over to the next eldest when it leaves', async () => {
      const { pods, client, told } = await raise(ground(), { register: (queue) => queue.register('a', () => 1) });
      const leaders = () => told('leader:elected').map(({ on }) => on);
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

    test('one that stops lets what runs finish, gives back what it has not started, uncharged, and leaves', async () => {
      const [running, go] = [gate(), gate()];
      const work = async (n: number, { podId }: StepContext) => {
        if (podId !== 'ada' || n < QUICK_STEPS) return podId;
        running.open();
        await go.opened;
        return podId;
      };
      const { pods, client, told } = await raise(ground(), {
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
      const released = unstarted({ told }, results, ids);
      expect(released.length).toBeGreaterThan(0);
      for (const id of released) expect(told('step:released', id).map(({ on }) => on)).toContain('ada');
      expect(told('recovery:completed').flatMap(({ payload }) => payload['orphans'])).toEqual([]); // nor was it left to the leader
      for await (const { retryCount, crashes } of client.listSteps()) {
        expect({ retryCount, crashes }).toEqual({ retryCount: 0, crashes: 0 });
      }
      await expect.poll(() => told('step:completed')).toHaveLength(300);
      await expect.poll(() => client.leader(), soon()).toMatchObject({ currentLeader: 'grace', activePods: 2 });
    });

    test('one that stops aborts what outlasts the drain, and gives that back uncharged too', async () => {
      const running = gate();
      const work = async (_: undefined, { podId, signal }: StepContext) => {
        if (podId !== 'ada') return podId;
        running.open();
        await aborted(signal);
        throw signal.reason;
      };
      const { pods, client, told } = assemble(ground(), {
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
      expect(told('step:released', id)).toMatchObject([{ on: 'ada' }]);
      expect(told('recovery:completed').flatMap(({ payload }) => payload['orphans'])).toEqual([]);
    });
  });
}

/** After these the handlers of the pod that stops wait: by then it holds some ahead. */
const QUICK_STEPS = 100;

const deadOf =
  (podId: string) =>
  ({ payload }: { readonly payload: Readonly<Record<string, unknown>> }): boolean =>
    (payload['deadPods'] as { podId: string }[]).some((pod) => pod.podId === podId);

/** Steps that ada had claimed and somebody else has run. */
function unstarted({ told }: Pick<Fleet, 'told'>, results: readonly unknown[], ids: readonly string[]): string[] {
  return ids.filter((id, i) => results[i] !== 'ada' && told('step:claimed', id).some(({ on }) => on === 'ada'));
}

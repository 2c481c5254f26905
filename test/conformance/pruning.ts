/** Pruning: terminal steps are removed after the retention time, and nothing else is. */
import { expect, it } from 'vitest';
import { fresh, pendingAgain, ids, newSteps, settlement, type Harness } from './harness.js';

/** Prunes until there is no more; returns how many steps were removed. */
async function pruneAll(harness: Harness, keepMs: number): Promise<number> {
  let removed = 0;
  for (let pieces = 0; ; pieces++) {
    expect(pieces).toBeLessThan(1_000);
    const reply = await harness.store.prune({ keepMs });
    removed += reply.removed;
    if (!reply.more) return removed;
  }
}

export function pruning(harness: Harness): void {
  it('removes nothing from an empty store', async () => {
    expect(await harness.store.prune({ keepMs: 0 })).toEqual({ removed: 0, more: false });
  });

  it('removes completed, failed and cancelled steps that ended longer than keepMs ago', async () => {
    const pod = await harness.join();
    const [done, failed, cancelled] = [await harness.held(pod), await harness.held(pod), await harness.held(pod)];
    await harness.settle(pod, settlement(done));
    await harness.settle(pod, settlement(failed, { status: 'failed', result: null, error: '{}' }));
    await harness.store.cancel(fresh('cancel'), [cancelled]);
    await harness.pass(3);
    expect(await pruneAll(harness, harness.tickMs)).toBe(3);
    expect(await harness.store.find(ids([done, failed, cancelled]))).toEqual([]);
    expect((await harness.store.stats()).byStatus).toMatchObject({ completed: 0, failed: 0, cancelled: 0 });
  });

  it('keeps pending and claimed steps, however old', async () => {
    const pod = await harness.join();
    const held = await harness.held(pod);
    const retried = await harness.held(pod);
    await harness.settle(pod, pendingAgain(retried, { charge: 1 }));
    const pending = await harness.submit();
    await harness.pass(10);
    expect(await pruneAll(harness, harness.tickMs)).toBe(0);
    expect(ids(await harness.store.find(ids([held, retried, pending])))).toHaveLength(3);
    expect(await harness.settle(pod, settlement(held))).toBe('settled');
  });

  it('keeps a step that ended recently, however long ago it was submitted', async () => {
    const pod = await harness.join();
    const old = await harness.held(pod);
    const young = await harness.held(pod);
    await harness.settle(pod, settlement(old));
    await harness.pass(4);
    await harness.settle(pod, settlement(young));
    expect(await pruneAll(harness, 2 * harness.tickMs)).toBe(1);
    expect(ids(await harness.store.find(ids([old, young])))).toEqual([young.stepId]);
  });

  it('removes a bounded piece in each call, and reports whether there is more', async () => {
    const pod = await harness.join();
    const count = 1_300;
    for (let left = count; left > 0; left -= 100) {
      await harness.store.submit(newSteps(100));
      const claims = await harness.claim(pod, { free: 100, types: { work: 100 } });
      await harness.store.settle(
        pod,
        claims.map((claim) => settlement(claim)),
      );
    }
    await harness.pass(2);
    expect(await pruneAll(harness, harness.tickMs)).toBe(count);
    expect((await harness.store.list({ order: 'oldest', limit: 10 })).steps).toEqual([]);
  });

  it('frees the id of a removed step: it can be submitted again', async () => {
    const pod = await harness.join();
    const claim = await harness.held(pod);
    await harness.settle(pod, settlement(claim));
    await harness.pass(2);
    await pruneAll(harness, harness.tickMs);
    const [again] = newSteps(1, { stepId: claim.stepId, type: claim.type });
    expect(await harness.store.submit([again!])).toEqual(['created']);
    await harness.seen();
    expect(await harness.settle(pod, settlement(claim))).toBe('lost');
    expect((await harness.step(claim)).status).toBe('pending');
  });

  it('does not bring back an incarnation that has left or was evicted, pruned or not', async () => {
    const gone = await harness.join();
    await harness.store.leave(gone);
    await harness.pass(20);
    await pruneAll(harness, harness.tickMs);
    await harness.beat(gone);
    expect(await harness.view(gone)).toBeUndefined();
  });

  it('keeps the claims of a pruned holder as orphans, with their reason', async () => {
    const [gone, dead] = [await harness.join(), await harness.joinMortal()];
    const [left, evicted] = [await harness.held(gone), await harness.held(dead)];
    await harness.store.leave(gone);
    await harness.pass(20);
    await harness.store.evict([dead]);
    await harness.pass(20);
    await pruneAll(harness, harness.tickMs);
    const orphans = await harness.store.orphans({ limit: 10 });
    expect(orphans.map(({ stepId, reason }) => ({ stepId, reason }))).toEqual([
      { stepId: left.stepId, reason: 'left' },
      { stepId: evicted.stepId, reason: 'evicted' },
    ]);
  });
}

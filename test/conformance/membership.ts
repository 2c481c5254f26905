/** Membership: which pods are in the fleet, how old, how silent; and that nobody comes back who has left or was evicted. */
import { expect, it } from 'vitest';
import { fresh, settlement, type Harness } from './harness.js';

export function membership(harness: Harness): void {
  registering(harness);
  beating(harness);
  leaving(harness);
}

function registering(harness: Harness): void {
  it('shows a pod as it registered', async () => {
    const meta = { host: 'a', tags: ['x', { deep: 'ü' }], n: 1.5 };
    const pod = await harness.join({ heartbeatMs: 1_234, deadAfterMs: 9_876, meta });
    const view = await harness.view(pod);
    expect(view).toMatchObject({ pod, heartbeatMs: 1_234, deadAfterMs: 9_876, asleep: false, exited: false, meta });
    expect(view!.ageMs).toBeGreaterThanOrEqual(0);
    expect(view!.ageMs).toBeLessThan(harness.tickMs);
    expect(view!.silentForMs).toBeLessThan(harness.tickMs);
  });

  it('registers an incarnation once: its birth is that of the first registration', async () => {
    const pod = await harness.join();
    await harness.pass(2);
    await harness.store.register({ ...pod, heartbeatMs: 1_000, deadAfterMs: 60_000, meta: {} });
    const views = await harness.store.fleet();
    expect(views.map((view) => view.pod)).toEqual([pod]);
    expect(views[0]!.ageMs).toBeGreaterThanOrEqual(2 * harness.tickMs);
  });

  it('orders pods by birth on the clock of the store', async () => {
    const first = await harness.join();
    await harness.pass(1);
    const second = await harness.join();
    await harness.pass(1);
    await harness.beat(first);
    const [elder, younger] = [await harness.view(first), await harness.view(second)];
    expect(elder!.ageMs - younger!.ageMs).toBeGreaterThanOrEqual(harness.tickMs * 0.5);
  });

  it('keeps two incarnations of one pod apart', async () => {
    const old = await harness.join();
    await harness.pass(1);
    const young = await harness.join({ podId: old.podId });
    const claim = await harness.held(old);
    expect((await harness.store.fleet()).map((view) => view.pod.incarnation).sort()).toEqual(
      [old.incarnation, young.incarnation].sort(),
    );
    expect((await harness.beat(young)).claims).toEqual([]);
    expect((await harness.beat(old)).claims.map((fence) => fence.stepId)).toEqual([claim.stepId]);
  });

  it('does not bring back an incarnation that has left or was evicted', async () => {
    const gone = await harness.join();
    const dead = await harness.joinMortal();
    await harness.store.leave(gone);
    await harness.pass(2);
    await harness.store.evict([dead]);
    for (const pod of [gone, dead])
      await harness.store.register({ ...pod, heartbeatMs: 1_000, deadAfterMs: 60_000, meta: {} });
    expect(await harness.store.fleet()).toEqual([]);
  });
}

function beating(harness: Harness): void {
  it('counts a heartbeat as a sign of life: the silence starts over, and the beat changes', async () => {
    const pod = await harness.join();
    await harness.pass(2);
    const before = await harness.view(pod);
    expect(before!.silentForMs).toBeGreaterThanOrEqual(2 * harness.tickMs);
    const { pods, outdated } = await harness.beat(pod);
    expect(outdated).toBe(false);
    expect(pods).toHaveLength(1);
    expect(pods[0]!.silentForMs).toBeLessThan(harness.tickMs);
    expect(pods[0]!.beat).not.toBe(before!.beat);
    expect(pods[0]!.ageMs).toBeGreaterThanOrEqual(2 * harness.tickMs);
  });

  it('changes the beat with each heartbeat, however fast', async () => {
    const pod = await harness.join();
    const beats: string[] = [];
    for (let i = 0; i < 5; i++) beats.push((await harness.beat(pod)).pods[0]!.beat);
    expect(new Set(beats).size).toBe(5);
  });

  it('shows heartbeats to others, whose reads are no sign of life', async () => {
    const [pod, peer] = [await harness.join(), await harness.join()];
    await harness.pass(1);
    const before = await harness.view(pod);
    await harness.store.fleet();
    expect((await harness.view(pod))!.beat).toBe(before!.beat);
    await harness.pass(1);
    const { pods } = await harness.beat(peer);
    const seen = pods.find((view) => view.pod.incarnation === pod.incarnation);
    expect(seen!.beat).toBe(before!.beat);
    expect(seen!.silentForMs).toBeGreaterThan(before!.silentForMs);
  });

  it('shows eligible, asleep and meta of the last heartbeat', async () => {
    const pod = await harness.join({ meta: { load: 0 } });
    await harness.beat(pod, { eligible: true, meta: { load: 1 } });
    expect(await harness.view(pod)).toMatchObject({ eligible: true, asleep: false, meta: { load: 1 } });
    await harness.beat(pod, { eligible: false, asleep: true, meta: { load: 2 } });
    expect(await harness.view(pod)).toMatchObject({ eligible: false, asleep: true, meta: { load: 2 } });
    await harness.beat(pod, { eligible: true, meta: {} });
    expect(await harness.view(pod)).toMatchObject({ eligible: true, asleep: false, meta: {} });
  });

  it('judges a pod by the heartbeat interval and the dead-after of the newest heartbeat that states them', async () => {
    const pod = await harness.join({ heartbeatMs: 1_000, deadAfterMs: 60_000 });
    await harness.beat(pod, { heartbeatMs: 2_000.5, deadAfterMs: 90_000.5 });
    expect(await harness.view(pod)).toMatchObject({ heartbeatMs: 2_001, deadAfterMs: 90_001 });
    await harness.beat(pod);
    expect(await harness.view(pod)).toMatchObject({ heartbeatMs: 2_001, deadAfterMs: 90_001 });
    await harness.beat(pod, { heartbeatMs: 1_000, deadAfterMs: harness.tickMs });
    await harness.pass(3);
    expect((await harness.view(pod))!.silentForMs).toBeGreaterThan(harness.tickMs);
    expect(await harness.store.evict([pod])).toEqual([pod]);
  });

  it('does not evict a pod that has stated a longer dead-after than it registered', async () => {
    const pod = await harness.joinMortal();
    await harness.beat(pod, { heartbeatMs: 1_000, deadAfterMs: 3_600_000 });
    await harness.pass(3);
    expect(await harness.store.evict([pod])).toEqual([]);
    expect(await harness.view(pod)).toMatchObject({ pod, deadAfterMs: 3_600_000 });
  });

  it('wakes a pod that sleeps, with its old birth', async () => {
    const pod = await harness.join();
    await harness.beat(pod, { asleep: true });
    await harness.pass(3);
    const { pods } = await harness.beat(pod);
    expect(pods[0]).toMatchObject({ pod, asleep: false });
    expect(pods[0]!.ageMs).toBeGreaterThanOrEqual(3 * harness.tickMs);
  });

  it('returns with a heartbeat the claims of this incarnation, and no others', async () => {
    const [pod, peer] = [await harness.join(), await harness.join()];
    const mine = [await harness.held(pod), await harness.held(pod)];
    await harness.held(peer);
    const done = await harness.held(pod);
    await harness.settle(pod, settlement(done));
    const { claims } = await harness.beat(pod);
    const fences = mine.map(({ stepId, claimToken, version }) => ({ stepId, claimToken, version }));
    const byId = (a: { stepId: string }, b: { stepId: string }) => (a.stepId < b.stepId ? -1 : 1);
    expect([...claims].sort(byId)).toEqual(fences.sort(byId));
  });

  it('ignores the heartbeat of an unknown incarnation, and leaves it out of the view', async () => {
    const stranger = { podId: fresh('pod'), incarnation: fresh('life') };
    expect(await harness.beat(stranger)).toMatchObject({ pods: [], claims: [] });
    expect(await harness.store.fleet()).toEqual([]);
  });

  it('ignores the heartbeat of an incarnation that has left or was evicted', async () => {
    const [gone, dead, peer] = [await harness.join(), await harness.joinMortal(), await harness.join()];
    await harness.store.leave(gone);
    await harness.pass(2);
    await harness.store.evict([dead]);
    for (const pod of [gone, dead]) {
      const { pods } = await harness.beat(pod);
      expect(pods.map((view) => view.pod)).toEqual([peer]);
    }
    expect((await harness.store.fleet()).map((view) => view.pod)).toEqual([peer]);
  });
}

function leaving(harness: Harness): void {
  it('takes a pod out of the fleet, however often leave is called', async () => {
    const [pod, peer] = [await harness.join(), await harness.join()];
    await harness.store.leave(pod);
    await harness.store.leave(pod);
    await harness.seen();
    expect((await harness.store.fleet()).map((view) => view.pod)).toEqual([peer]);
  });

  it('ignores the leave of an unknown incarnation', async () => {
    await harness.store.leave({ podId: fresh('pod'), incarnation: fresh('life') });
    expect(await harness.store.fleet()).toEqual([]);
  });

  it('takes only this incarnation of the pod out', async () => {
    const old = await harness.join();
    const young = await harness.join({ podId: old.podId });
    await harness.store.leave(old);
    await harness.seen();
    expect((await harness.store.fleet()).map((view) => view.pod)).toEqual([young]);
  });
}

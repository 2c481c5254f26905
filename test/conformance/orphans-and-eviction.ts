/** Orphans and eviction: a claim of a pod that is only silent is no orphan, and a live pod is not evicted. */
import { expect, it } from 'vitest';
import { claimRequest, fresh, pendingAgain, ids, newSteps, settlement, type Harness, unchanging } from './harness.js';

export function orphansAndEviction(harness: Harness): void {
  evicting(harness);
  finding(harness);
  recovering(harness);
}

function evicting(harness: Harness): void {
  it('evicts a pod that has been silent for longer than it registered', async () => {
    const dead = await harness.joinMortal();
    await harness.pass(2);
    expect(await harness.store.evict([dead])).toEqual([dead]);
    expect(await harness.store.fleet()).toEqual([]);
  });

  it('does not evict a live pod: the statement checks the silence itself', async () => {
    const [pod, longer] = [await harness.joinMortal(), await harness.join({ deadAfterMs: 60 * harness.tickMs })];
    await harness.pass(2);
    await harness.beat(pod); // just before the leader's word lands
    await harness.seen();
    expect(await harness.store.evict([pod, longer])).toEqual([]);
    expect(await harness.store.fleet()).toHaveLength(2);
  });

  it('judges each pod by the limit that it registered', async () => {
    const short = await harness.joinMortal();
    const long = await harness.join({ deadAfterMs: 60 * harness.tickMs });
    await harness.pass(2);
    expect(await harness.store.evict([long, short])).toEqual([short]);
    expect((await harness.store.fleet()).map((view) => view.pod)).toEqual([long]);
  });

  it('does not evict a pod that sleeps, however silent', async () => {
    const pod = await harness.joinMortal();
    await harness.beat(pod, { asleep: true });
    await harness.pass(5);
    expect(await harness.store.evict([pod])).toEqual([]);
    expect(await harness.view(pod)).toMatchObject({ asleep: true });
  });

  it('returns the same for a repeated eviction', async () => {
    const dead = await harness.joinMortal();
    await harness.pass(2);
    await harness.store.evict([dead]);
    expect(await harness.store.evict([dead])).toEqual([dead]);
  });

  it('evicts no pod that is unknown or has left, and accepts an empty list', async () => {
    const gone = await harness.joinMortal();
    await harness.store.leave(gone);
    await harness.pass(2);
    expect(await harness.store.evict([gone, { podId: fresh('pod'), incarnation: fresh('life') }])).toEqual([]);
    expect(await harness.store.evict([])).toEqual([]);
  });

  it('evicts one incarnation of a pod, and leaves its next one alone', async () => {
    const old = await harness.joinMortal();
    await harness.pass(2);
    const young = await harness.joinMortal({ podId: old.podId });
    await harness.seen();
    expect(await harness.store.evict([old, young])).toEqual([old]);
    expect((await harness.store.fleet()).map((view) => view.pod)).toEqual([young]);
  });
}

function finding(harness: Harness): void {
  it('finds no orphan while the holder lives or is only silent', async () => {
    const [living, silent] = [await harness.join(), await harness.joinMortal()];
    await harness.held(living);
    await harness.held(silent);
    await harness.pass(5);
    expect(await harness.store.orphans({ limit: 10 })).toEqual([]);
  });

  it('finds the claims of pods that were evicted, have left or sleep, with holder and reason', async () => {
    const [evicted, left, asleep] = [await harness.joinMortal(), await harness.join(), await harness.join()];
    const claims = [await harness.held(evicted), await harness.held(left), await harness.held(asleep)];
    await harness.held(await harness.join());
    await harness.store.leave(left);
    await harness.beat(asleep, { asleep: true });
    await harness.pass(2);
    await harness.store.evict([evicted]);
    const orphans = await harness.store.orphans({ limit: 10 });
    const reasons = new Map(orphans.map((orphan) => [orphan.stepId, { holder: orphan.holder, reason: orphan.reason }]));
    expect(reasons).toEqual(
      new Map([
        [claims[0]!.stepId, { holder: evicted, reason: 'evicted' }],
        [claims[1]!.stepId, { holder: left, reason: 'left' }],
        [claims[2]!.stepId, { holder: asleep, reason: 'asleep' }],
      ]),
    );
  });

  it('reports an orphan of an evicted pod as evicted, even if the pod leaves later', async () => {
    const pod = await harness.joinMortal();
    const claim = await harness.held(pod);
    await harness.pass(2);
    expect(await harness.store.evict([pod])).toEqual([pod]);
    await harness.store.leave(pod);
    const orphans = await harness.store.orphans({ limit: 10 });
    expect(orphans).toMatchObject([{ stepId: claim.stepId, reason: 'evicted' }]);
  });

  it('returns an orphan with all fields of its claim', async () => {
    const pod = await harness.join();
    const claim = await harness.held(pod, { priority: 4, maxRetries: 1, args: { a: 1 } });
    await harness.store.leave(pod);
    await harness.seen();
    expect(await harness.store.orphans({ limit: 10 })).toEqual([{ ...unchanging(claim), holder: pod, reason: 'left' }]);
  });

  it('finds the claims of an incarnation that was never registered', async () => {
    const stranger = { podId: fresh('pod'), incarnation: fresh('life') };
    await harness.submit();
    const { claims } = await harness.exchange({ pod: stranger, settlements: [], claim: claimRequest() });
    await harness.pass(1);
    const orphans = await harness.store.orphans({ limit: 10 });
    expect(orphans.map(({ stepId, reason }) => ({ stepId, reason }))).toEqual(
      claims.map(({ stepId }) => ({ stepId, reason: 'unknown' })),
    );
  });

  it('returns the longest held orphans first, whenever they were submitted, up to the limit', async () => {
    const pod = await harness.join();
    const steps = newSteps(4).map((step, i) => ({ ...step, priority: i }));
    await harness.store.submit(steps);
    const held: string[] = [];
    for (let i = 0; i < 4; i++) {
      held.push((await harness.claimOne(pod)).stepId);
      await harness.pass(1);
    }
    expect(held).toEqual(ids(steps).reverse());
    await harness.store.leave(pod);
    await harness.seen();
    expect(ids(await harness.store.orphans({ limit: 3 }))).toEqual(held.slice(0, 3));
    expect(ids(await harness.store.orphans({ limit: 10 }))).toEqual(held);
  });

  it('shows orphans to every handle, and none of a pod that has woken up', async () => {
    const pod = await harness.join();
    const claim = await harness.held(pod);
    await harness.beat(pod, { asleep: true });
    await harness.pass(1);
    const other = await harness.another();
    await harness.seen();
    expect(ids(await other.orphans({ limit: 10 }))).toEqual([claim.stepId]);
    await harness.beat(pod);
    await harness.seen();
    expect(await other.orphans({ limit: 10 })).toEqual([]);
  });
}

function recovering(harness: Harness): void {
  it('settles an orphan in the name of the leader, so that the old holder loses its claim', async () => {
    const [pod, leader] = [await harness.joinMortal(), await harness.join()];
    const claim = await harness.held(pod);
    await harness.pass(2);
    await harness.store.evict([pod]);
    const [orphan] = await harness.store.orphans({ limit: 10 });
    expect(await harness.store.settle(leader, [pendingAgain(orphan!, { crash: 1 })])).toEqual(['settled']);
    expect(await harness.step(claim)).toMatchObject({ status: 'pending', crashes: 1, retryCount: 0, claimedBy: null });
    expect(await harness.settle(pod, settlement(claim))).toBe('lost');
    expect((await harness.step(claim)).status).toBe('pending');
    expect(await harness.store.orphans({ limit: 10 })).toEqual([]);
  });

  it('keeps the last holder of a step that the recovery has failed', async () => {
    const [pod, leader] = [await harness.join(), await harness.join()];
    const claim = await harness.held(pod);
    await harness.store.leave(pod);
    const failed = settlement(claim, {
      status: 'failed',
      crash: 1,
      result: null,
      error: '{"name":"FleetQError","message":"dead"}',
    });
    expect(await harness.store.settle(leader, [failed])).toEqual(['settled']);
    expect(await harness.step(claim)).toMatchObject({ status: 'failed', crashes: 1, claimedBy: pod.podId });
  });

  it('lets two leaders recover at once: one settles, the other loses', async () => {
    const [pod, one, other] = [await harness.join(), await harness.join(), await harness.join()];
    const claim = await harness.held(pod);
    await harness.store.leave(pod);
    const back = pendingAgain(claim, { crash: 1 });
    const second = await harness.another();
    const receipts = await Promise.all([harness.store.settle(one, [back]), second.settle(other, [back])]);
    expect(receipts.flat().sort()).toEqual(['lost', 'settled']);
    expect((await harness.step(claim)).crashes).toBe(1);
  });

  it('accepts a settlement of an evicted pod until the recovery has settled', async () => {
    const pod = await harness.joinMortal();
    const claim = await harness.held(pod);
    await harness.pass(2);
    await harness.store.evict([pod]);
    expect(await harness.settle(pod, settlement(claim))).toBe('settled');
    await harness.seen();
    expect(await harness.store.orphans({ limit: 10 })).toEqual([]);
  });
}

/** Orphans and eviction: silence alone makes no orphan; the living are never evicted. */
import { expect, it } from 'vitest';
import { claimRequest, fresh, givenBack, ids, newSteps, settlement, type Harness } from './harness.js';

export function orphaning(harness: Harness): void {
  evicting(harness);
  finding(harness);
  recovering(harness);
}

function evicting(harness: Harness): void {
  it('evicts who has been silent for longer than it registered', async () => {
    const dead = await harness.joinMortal();
    await harness.pass(2);
    expect(await harness.store.evict([dead])).toEqual([dead]);
    expect(await harness.store.fleet()).toEqual([]);
  });

  it('never evicts the living: it looks at the silence itself', async () => {
    const [pod, longer] = [await harness.joinMortal(), await harness.join({ deadAfterMs: 60 * harness.tickMs })];
    await harness.pass(2);
    await harness.beat(pod); // just before the leader's word lands
    await harness.seen();
    expect(await harness.store.evict([pod, longer])).toEqual([]);
    expect(await harness.store.fleet()).toHaveLength(2);
  });

  it('judges each pod by what it registered itself', async () => {
    const short = await harness.joinMortal();
    const long = await harness.join({ deadAfterMs: 60 * harness.tickMs });
    await harness.pass(2);
    expect(await harness.store.evict([long, short])).toEqual([short]);
    expect((await harness.store.fleet()).map((view) => view.pod)).toEqual([long]);
  });

  it('never evicts a sleeper, however silent', async () => {
    const pod = await harness.joinMortal();
    await harness.beat(pod, { asleep: true });
    await harness.pass(5);
    expect(await harness.store.evict([pod])).toEqual([]);
    expect(await harness.view(pod)).toMatchObject({ asleep: true });
  });

  it('answers the same to a repeat', async () => {
    const dead = await harness.joinMortal();
    await harness.pass(2);
    await harness.store.evict([dead]);
    expect(await harness.store.evict([dead])).toEqual([dead]);
  });

  it('answers for none that it does not know or that has left, and does nothing for nobody', async () => {
    const gone = await harness.joinMortal();
    await harness.store.leave(gone);
    await harness.pass(2);
    expect(await harness.store.evict([gone, { podId: fresh('pod'), incarnation: fresh('life') }])).toEqual([]);
    expect(await harness.store.evict([])).toEqual([]);
  });

  it('evicts one life of a pod, and leaves its next alone', async () => {
    const old = await harness.joinMortal();
    await harness.pass(2);
    const young = await harness.joinMortal({ podId: old.podId });
    await harness.seen();
    expect(await harness.store.evict([old, young])).toEqual([old]);
    expect((await harness.store.fleet()).map((view) => view.pod)).toEqual([young]);
  });
}

function finding(harness: Harness): void {
  it('finds none while holders live, and none of the merely silent', async () => {
    const [living, silent] = [await harness.join(), await harness.joinMortal()];
    await harness.held(living);
    await harness.held(silent);
    await harness.pass(5);
    expect(await harness.store.orphans({ limit: 10 })).toEqual([]);
  });

  it('finds the claims of the evicted, the left and the asleep, with holder and reason', async () => {
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

  it('charges what an evicted pod held, also where it leaves after that', async () => {
    const pod = await harness.joinMortal();
    const claim = await harness.held(pod);
    await harness.pass(2);
    expect(await harness.store.evict([pod])).toEqual([pod]);
    await harness.store.leave(pod);
    const orphans = await harness.store.orphans({ limit: 10 });
    expect(orphans).toMatchObject([{ stepId: claim.stepId, reason: 'evicted' }]);
  });

  it('gives an orphan with all that its claim had', async () => {
    const pod = await harness.join();
    const claim = await harness.held(pod, { priority: 4, maxRetries: 1, args: { a: 1 } });
    await harness.store.leave(pod);
    await harness.seen();
    expect(await harness.store.orphans({ limit: 10 })).toEqual([{ ...claim, holder: pod, reason: 'left' }]);
  });

  it('finds what an incarnation holds that nobody has registered', async () => {
    const stranger = { podId: fresh('pod'), incarnation: fresh('life') };
    await harness.submit();
    const { claims } = await harness.exchange({ pod: stranger, settlements: [], claim: claimRequest() });
    await harness.pass(1);
    const orphans = await harness.store.orphans({ limit: 10 });
    expect(orphans.map(({ stepId, reason }) => ({ stepId, reason }))).toEqual(
      claims.map(({ stepId }) => ({ stepId, reason: 'unknown' })),
    );
  });

  it('gives the longest held first, whenever it was submitted, and no more than the limit', async () => {
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

  it('is seen from every handle, and frees a sleeper that wakes', async () => {
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
  it('settles for the dead under the name of the leader: the old holder has lost', async () => {
    const [pod, leader] = [await harness.joinMortal(), await harness.join()];
    const claim = await harness.held(pod);
    await harness.pass(2);
    await harness.store.evict([pod]);
    const [orphan] = await harness.store.orphans({ limit: 10 });
    expect(await harness.store.settle(leader, [givenBack(orphan!, { crash: 1 })])).toEqual(['settled']);
    expect(await harness.step(claim)).toMatchObject({ status: 'pending', crashes: 1, retryCount: 0, claimedBy: null });
    expect(await harness.settle(pod, settlement(claim))).toBe('lost');
    expect((await harness.step(claim)).status).toBe('pending');
    expect(await harness.store.orphans({ limit: 10 })).toEqual([]);
  });

  it('remembers the last holder of a step that recovery has failed', async () => {
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

  it('lets two leaders recover at once without harm: one settles, the other has lost', async () => {
    const [pod, one, other] = [await harness.join(), await harness.join(), await harness.join()];
    const claim = await harness.held(pod);
    await harness.store.leave(pod);
    const back = givenBack(claim, { crash: 1 });
    const second = await harness.another();
    const receipts = await Promise.all([harness.store.settle(one, [back]), second.settle(other, [back])]);
    expect(receipts.flat().sort()).toEqual(['lost', 'settled']);
    expect((await harness.step(claim)).crashes).toBe(1);
  });

  it('takes the word of an evicted pod as long as nobody has settled for it', async () => {
    const pod = await harness.joinMortal();
    const claim = await harness.held(pod);
    await harness.pass(2);
    await harness.store.evict([pod]);
    expect(await harness.settle(pod, settlement(claim))).toBe('settled');
    await harness.seen();
    expect(await harness.store.orphans({ limit: 10 })).toEqual([]);
  });
}

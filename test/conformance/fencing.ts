/** Fencing: only the holder of the current fence settles a step, and a stale settlement changes nothing. */
import { expect, it } from 'vitest';
import type { Fence, PodRef } from '../../src/store/contract.js';
import { pendingAgain, settlement, type Harness } from './harness.js';

export function fencing(harness: Harness): void {
  refusals(harness);
  resends(harness);
}

/** Settles by both verbs; expects the receipt `lost` and an unchanged row. */
async function refused(harness: Harness, pod: PodRef, fence: Fence): Promise<void> {
  const before = await harness.step(fence);
  const stale = settlement(fence, { result: '"stale"' });
  expect(await harness.settle(pod, stale)).toBe('lost');
  expect(await harness.store.settle(pod, [stale])).toEqual(['lost']);
  expect(await harness.step(fence)).toEqual(before);
}

function refusals(harness: Harness): void {
  it('refuses a stale token', async () => {
    const pod = await harness.join();
    const claim = await harness.held(pod);
    await refused(harness, pod, { ...claim, claimToken: 'not-this' });
  });

  it('refuses a stale version, below and above', async () => {
    const pod = await harness.join();
    const claim = await harness.held(pod);
    await refused(harness, pod, { ...claim, version: claim.version - 1 });
    await refused(harness, pod, { ...claim, version: claim.version + 1 });
  });

  it('refuses the token of one step for another', async () => {
    const pod = await harness.join();
    const [one, other] = [await harness.held(pod), await harness.held(pod)];
    await refused(harness, pod, { ...one, claimToken: other.claimToken });
  });

  it('refuses to settle a step that nobody has claimed', async () => {
    const pod = await harness.join();
    const step = await harness.submit();
    const { version } = await harness.step(step);
    await refused(harness, pod, { stepId: step.stepId, claimToken: '', version });
  });

  it('returns lost for a step that does not exist', async () => {
    const pod = await harness.join();
    const nowhere = settlement({ stepId: 'nowhere', claimToken: 'none', version: 1 });
    expect(await harness.settle(pod, nowhere)).toBe('lost');
    expect(await harness.store.settle(pod, [nowhere])).toEqual(['lost']);
    expect(await harness.store.find(['nowhere'])).toEqual([]);
  });

  it('refuses the earlier holder once another pod holds the step', async () => {
    const [first, second] = [await harness.join(), await harness.join()];
    const old = await harness.held(first);
    await harness.settle(second, pendingAgain(old)); // as the recovery does
    const current = await harness.claimOne(second, { types: { [old.type]: 1 } });
    await harness.settle(second, settlement(current));
    await refused(harness, first, old);
    expect((await harness.step(old)).claimedBy).toBe(second.podId);
  });

  it('refuses another pod, and another incarnation of the same pod, after the holder has settled', async () => {
    const holder = await harness.join();
    const reborn = await harness.join({ podId: holder.podId });
    const stranger = await harness.join();
    const claim = await harness.held(holder);
    expect(await harness.settle(holder, settlement(claim))).toBe('settled');
    await refused(harness, stranger, claim);
    await refused(harness, reborn, claim);
    await refused(harness, { podId: stranger.podId, incarnation: reborn.incarnation }, claim);
  });

  it('lets only one of two settlements under the same fence win', async () => {
    const [holder, leader] = [await harness.join(), await harness.join()];
    const claim = await harness.held(holder);
    const other = await harness.another();
    const receipts = await Promise.all([
      harness.settle(holder, settlement(claim, { result: '"holder"' })),
      other.settle(leader, [pendingAgain(claim, { crash: 1 })]).then(([receipt]) => receipt),
    ]);
    expect([...receipts].sort()).toEqual(['lost', 'settled']);
    const byHolder = receipts[0] === 'settled';
    expect(await harness.step(claim)).toMatchObject(
      byHolder ? { status: 'completed', crashes: 0 } : { status: 'pending', crashes: 1 },
    );
  });
}

function resends(harness: Harness): void {
  it('returns settled again for a repeated settlement, and applies it once', async () => {
    const pod = await harness.join();
    for (const make of [settlement, (claim: Fence) => pendingAgain(claim, { charge: 1 })]) {
      const claim = await harness.held(pod);
      expect(await harness.settle(pod, make(claim))).toBe('settled');
      const after = await harness.step(claim);
      expect(await harness.settle(pod, make(claim))).toBe('settled');
      expect(await harness.store.settle(pod, [make(claim)])).toEqual(['settled']);
      expect(await harness.step(claim)).toEqual(after);
    }
  });

  it('keeps the first outcome if one claim is settled twice, differently', async () => {
    const pod = await harness.join();
    const claim = await harness.held(pod);
    await harness.settle(pod, settlement(claim, { result: '1' }));
    await harness.settle(pod, settlement(claim, { status: 'failed', result: null, error: '{}' }));
    expect(await harness.step(claim)).toMatchObject({ status: 'completed', result: '1', error: null });
  });

  it('settles once if one batch has the same settlement twice', async () => {
    const pod = await harness.join();
    const claim = await harness.held(pod);
    const twice = [pendingAgain(claim, { charge: 1 }), pendingAgain(claim, { charge: 1 })];
    const { receipts } = await harness.exchange({ pod, settlements: twice });
    expect(receipts).toEqual(['settled', 'settled']);
    expect(await harness.step(claim)).toMatchObject({ status: 'pending', retryCount: 1, version: claim.version + 1 });
  });

  it('still returns settled for a repeat while another pod only holds the step', async () => {
    const [first, second] = [await harness.join(), await harness.join()];
    const claim = await harness.held(first);
    const retry = pendingAgain(claim, { charge: 1 });
    await harness.settle(first, retry);
    const current = await harness.claimOne(second, { types: { [claim.type]: 1 } });
    expect(await harness.settle(first, retry)).toBe('settled');
    expect(await harness.step(claim)).toMatchObject({
      status: 'claimed',
      claimedBy: second.podId,
      version: current.version,
      retryCount: 1,
    });
  });

  it('changes nothing by a repeat once another claim was settled, and still knows of it if it remembers that long', async () => {
    const [first, second] = [await harness.join(), await harness.join()];
    const claim = await harness.held(first);
    const retry = pendingAgain(claim, { charge: 1 });
    await harness.settle(first, retry);
    const current = await harness.claimOne(second, { types: { [claim.type]: 1 } });
    await harness.settle(second, settlement(current));
    const after = await harness.step(claim);
    expect(after.status).toBe('completed');
    expect(await harness.settle(first, retry)).toBe(harness.remembersEarlier ? 'settled' : 'lost');
    expect(await harness.step(claim)).toEqual(after);
  });
}

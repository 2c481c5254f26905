/** A call may be applied late or twice, after its client has given up or died, and a reply may not come. */
import { expect, it } from 'vitest';
import { claimRequest, fresh, pendingAgain, ids, newSteps, settlement, type Harness, unchanging } from './harness.js';

export function lateAndRepeatedCalls(harness: Harness): void {
  lostReplies(harness);
  lateDeliveries(harness);
}

function lostReplies(harness: Harness): void {
  it('reads back what is claimed under the token of an unanswered exchange', async () => {
    const pod = await harness.join();
    const steps = newSteps(3);
    await harness.store.submit(steps);
    const token = fresh('token');
    const unseen = await harness.claim(pod, { token });
    const reply = await harness.exchange({ pod, settlements: [], readBack: token });
    expect(reply.claims.map(unchanging)).toEqual(unseen.map(unchanging));
    expect(ids(reply.claims)).toEqual(ids(steps));
  });

  it('reads back nothing for a token that never arrived', async () => {
    const pod = await harness.join();
    await harness.submit();
    expect((await harness.exchange({ pod, settlements: [], readBack: fresh('token') })).claims).toEqual([]);
  });

  it('reads back nothing that another incarnation holds under the same token', async () => {
    const pod = await harness.join();
    const reborn = await harness.join({ podId: pod.podId });
    const type = fresh('type');
    await harness.submit({ type });
    const token = fresh('token');
    expect(await harness.claim(pod, { token, types: { [type]: 1 } })).toHaveLength(1);
    expect((await harness.exchange({ pod: reborn, settlements: [], readBack: token })).claims).toEqual([]);
  });

  it('reads back no claim that has been settled meanwhile', async () => {
    const pod = await harness.join();
    await harness.store.submit(newSteps(2));
    const token = fresh('token');
    const [first, second] = await harness.claim(pod, { token });
    await harness.settle(pod, settlement(first!));
    expect(ids((await harness.exchange({ pod, settlements: [], readBack: token })).claims)).toEqual([second!.stepId]);
  });

  it('reads back and settles in one exchange, without losing either', async () => {
    const pod = await harness.join();
    const mine = await harness.held(pod);
    await harness.submit();
    const token = fresh('token');
    const [unseen] = await harness.claim(pod, { token });
    const reply = await harness.exchange({ pod, settlements: [settlement(mine)], readBack: token });
    expect(reply.receipts).toEqual(['settled']);
    expect(ids(reply.claims)).toEqual([unseen!.stepId]);
  });

  it('settles once if a whole exchange is applied twice', async () => {
    const pod = await harness.join();
    const claim = await harness.held(pod);
    const request = {
      pod,
      settlements: [pendingAgain(claim, { charge: 1, delayMs: 3_600_000 })],
      claim: claimRequest(),
    };
    await harness.exchange(request);
    const { receipts } = await harness.exchange(request);
    expect(receipts).toEqual(['settled']);
    expect(await harness.step(claim)).toMatchObject({ status: 'pending', retryCount: 1 });
  });
}

function lateDeliveries(harness: Harness): void {
  it('refuses an old settlement after an exchange that was applied twice', async () => {
    const [pod, leader] = [await harness.join(), await harness.join()];
    await harness.submit();
    await harness.seen();
    const exchange = { pod, settlements: [], claim: claimRequest({ free: 1 }) };
    const [old] = (await harness.exchange(exchange)).claims;
    // The step is released; then the first exchange is applied again, and may claim the step again under its old token.
    expect(await harness.store.settle(leader, [pendingAgain(old!)])).toEqual(['settled']);
    await harness.exchange(exchange);
    const before = await harness.step(old!);
    expect(await harness.settle(pod, settlement(old!))).toBe('lost');
    expect(await harness.step(old!)).toEqual(before);
  });

  it('changes nothing by a retry settlement that arrives again after its step was claimed again under the same token', async () => {
    const pod = await harness.join();
    const type = fresh('type');
    await harness.submit({ type });
    await harness.seen();
    const claim = claimRequest({ free: 1, types: { [type]: 1 } });
    const [old] = (await harness.exchange({ pod, settlements: [], claim })).claims;
    const retry = pendingAgain(old!, { charge: 1 });
    await harness.settle(pod, retry);
    await harness.exchange({ pod, settlements: [], claim });
    const before = await harness.step(old!);
    await harness.settle(pod, retry);
    await harness.store.settle(pod, [retry]);
    expect(await harness.step(old!)).toEqual(before);
  });

  it('shows a pod the claims of a late exchange, so that it can release them', async () => {
    const pod = await harness.join();
    const step = await harness.submit();
    const [late] = await harness.claim(pod); // the pod had given this exchange up
    const { claims } = await harness.beat(pod);
    const { stepId, claimToken, version } = late!;
    expect(claims).toEqual([{ stepId, claimToken, version }]);
    expect(await harness.settle(pod, pendingAgain(claims[0]!))).toBe('settled');
    expect((await harness.step(step)).status).toBe('pending');
  });

  it('finds the claims of a late exchange of a pod that was evicted or has left', async () => {
    const [pod, leader] = [await harness.join(), await harness.join()];
    const type = fresh('type');
    const step = await harness.submit({ type });
    await harness.store.leave(pod);
    await harness.claim(pod, { types: { [type]: 1 } });
    const orphans = await harness.store.orphans({ limit: 10 });
    await harness.store.settle(
      leader,
      orphans.map((orphan) => pendingAgain(orphan)),
    );
    expect((await harness.step(step)).status).toBe('pending');
  });

  it('ignores a sign of life that arrives after the end of the incarnation', async () => {
    const [gone, peer] = [await harness.join(), await harness.join()];
    await harness.store.leave(gone);
    await harness.beat(gone);
    await harness.store.register({ ...gone, heartbeatMs: 1_000, deadAfterMs: 60_000, meta: {} });
    const { pods } = await harness.beat(peer);
    expect(pods.map((view) => view.pod)).toEqual([peer]);
  });

  it('makes one step of a submission that arrives late, after its repeat was run', async () => {
    const pod = await harness.join();
    const step = await harness.submit();
    const claim = await harness.claimOne(pod);
    await harness.settle(pod, settlement(claim));
    expect(await (await harness.another()).submit([step])).toEqual(['duplicate']);
    expect(await harness.claim(pod)).toEqual([]);
    expect((await harness.step(step)).status).toBe('completed');
  });
}

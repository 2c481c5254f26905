/** Cancelling: a step is terminal at once, guarded by the version that was read, and its holder finds out. */
import { expect, it } from 'vitest';
import { fresh, pendingAgain, ids, newStep, newSteps, settlement, type Harness } from './harness.js';

export function cancelling(harness: Harness): void {
  receipts(harness);
  holders(harness);
  theDead(harness);
}

function receipts(harness: Harness): void {
  it('cancels a pending step: it is terminal, nobody holds it, and it is never claimed', async () => {
    const step = await harness.step(await harness.submit());
    expect(await harness.store.cancel(fresh('cancel'), [step])).toEqual(['cancelled']);
    const row = await harness.step(step);
    expect(row).toMatchObject({ status: 'cancelled', claimedBy: null });
    expect(row.version).toBeGreaterThan(step.version);
    expect(await harness.claim(await harness.join())).toEqual([]);
  });

  it('cancels a step that is not due yet', async () => {
    const step = await harness.step(await harness.submit({ delayMs: harness.tickMs }));
    expect(await harness.store.cancel(fresh('cancel'), [step])).toEqual(['cancelled']);
    await harness.pass(2);
    expect(await harness.claim(await harness.join())).toEqual([]);
  });

  it('cancels a claimed step, at the version of its claim', async () => {
    const pod = await harness.join();
    const claim = await harness.held(pod);
    expect(await harness.store.cancel(fresh('cancel'), [claim])).toEqual(['cancelled']);
    expect((await harness.step(claim)).status).toBe('cancelled');
    expect((await harness.beat(pod)).claims).toEqual([]);
    expect(await harness.store.orphans({ limit: 10 })).toEqual([]);
  });

  it('returns cancelled, alreadyTerminal, notFound or changed for each step, in their order', async () => {
    const pod = await harness.join();
    const done = await harness.held(pod);
    await harness.settle(pod, settlement(done));
    const pending = await harness.step(await harness.submit());
    const moved = await harness.step(await harness.submit({ type: 'moved' }));
    await harness.claimOne(pod, { types: { moved: 1 } });
    const at = [await harness.step(done), moved, { stepId: 'nowhere', version: 1 }, pending];
    expect(await harness.store.cancel(fresh('cancel'), at)).toEqual([
      'alreadyTerminal',
      'changed',
      'notFound',
      'cancelled',
    ]);
    expect((await harness.step(done)).status).toBe('completed');
    expect((await harness.step(moved)).status).toBe('claimed');
    expect(await harness.store.cancel(fresh('cancel'), [])).toEqual([]);
  });

  it('returns cancelled again for a repeat under the same token, and alreadyTerminal under another', async () => {
    const [step] = [await harness.step(await harness.submit())];
    const claim = await harness.held(await harness.join());
    const token = fresh('cancel');
    expect(await harness.store.cancel(token, [step, claim])).toEqual(['cancelled', 'cancelled']);
    const after = await harness.step(step);
    expect(await harness.store.cancel(token, [step, claim])).toEqual(['cancelled', 'cancelled']);
    expect(await harness.step(step)).toEqual(after);
    expect(await harness.store.cancel(fresh('cancel'), [after])).toEqual(['alreadyTerminal']);
  });

  it('does not cancel, by a repeat, a step that was retried since', async () => {
    const step = await harness.step(await harness.submit());
    const token = fresh('cancel');
    await harness.store.cancel(token, [step]);
    await harness.store.retry([await harness.step(step)]);
    await harness.store.cancel(token, [step]);
    expect((await harness.step(step)).status).toBe('pending');
  });

  it('cancels many steps in one call', async () => {
    const steps = newSteps(harness.store.rhythm.submitBatch);
    await harness.store.submit(steps);
    const rows = await harness.store.find(steps.map(({ stepId }) => stepId));
    expect(await harness.store.cancel(fresh('cancel'), rows)).toEqual(rows.map(() => 'cancelled'));
  });

  it('leaves a cancelled step cancelled when it is submitted again', async () => {
    const step = await harness.submit();
    await harness.store.cancel(fresh('cancel'), [await harness.step(step)]);
    expect(await harness.store.submit([newStep(step)])).toEqual(['duplicate']);
    expect((await harness.step(step)).status).toBe('cancelled');
  });
}

function holders(harness: Harness): void {
  it('returns cancelled, not lost, for the settlement of a step that was cancelled while claimed', async () => {
    const pod = await harness.join();
    const claim = await harness.held(pod);
    await harness.store.cancel(fresh('cancel'), [claim]);
    const before = await harness.step(claim);
    for (const late of [
      settlement(claim),
      pendingAgain(claim, { charge: 1 }),
      settlement(claim, { status: 'cancelled' }),
    ]) {
      expect(await harness.settle(pod, late)).toBe('cancelled');
      expect(await harness.store.settle(pod, [late])).toEqual(['cancelled']);
    }
    expect(await harness.step(claim)).toEqual(before);
  });

  it('returns lost for a stale settlement of a cancelled step', async () => {
    const pod = await harness.join();
    const claim = await harness.held(pod);
    await harness.store.cancel(fresh('cancel'), [claim]);
    expect(await harness.settle(pod, settlement({ ...claim, claimToken: 'stale' }))).toBe('lost');
    expect(await harness.settle(pod, settlement({ ...claim, version: claim.version - 1 }))).toBe('lost');
  });

  it('returns cancelled for a repeated retry settlement if the step was cancelled while it waited', async () => {
    const pod = await harness.join();
    const claim = await harness.held(pod);
    const retry = pendingAgain(claim, { charge: 1, delayMs: 3_600_000 });
    expect(await harness.settle(pod, retry)).toBe('settled');
    await harness.store.cancel(fresh('cancel'), [await harness.step(claim)]);
    await harness.seen();
    expect(await harness.settle(pod, retry)).toBe('cancelled');
    expect(await harness.step(claim)).toMatchObject({ status: 'cancelled', retryCount: 1 });
  });

  it('returns cancelled for a late settlement even if the step was retried and cancelled again', async () => {
    const pod = await harness.join();
    const claim = await harness.held(pod);
    await harness.store.cancel(fresh('cancel'), [claim]);
    await harness.store.retry([await harness.step(claim)]);
    await harness.store.cancel(fresh('cancel'), [await harness.step(claim)]);
    await harness.seen(); // until then the receipt may be that of a step that is pending again
    expect(await harness.settle(pod, settlement(claim))).toBe('cancelled');
  });

  it('refuses a late settlement of the earlier holder after cancel and retry', async () => {
    const pod = await harness.join();
    const claim = await harness.held(pod);
    await harness.store.cancel(fresh('cancel'), [claim]);
    await harness.store.retry([await harness.step(claim)]);
    const before = await harness.step(claim);
    expect(await harness.settle(pod, settlement(claim))).not.toBe('settled');
    expect(await harness.step(claim)).toEqual(before);
  });

  it('lets one of a concurrent cancel and settlement win, and returns the truth to both', async () => {
    const pod = await harness.join();
    const other = await harness.another();
    for (let i = 0; i < 10; i++) {
      const claim = await harness.held(pod);
      const cancel = () => other.cancel(fresh('cancel'), [claim]).then(([receipt]) => receipt);
      const settle = () => harness.settle(pod, settlement(claim));
      const [cancelled, settled] =
        i % 2 === 0 ? await Promise.all([cancel(), settle()]) : (await Promise.all([settle(), cancel()])).reverse();
      const { status } = await harness.step(claim);
      if (status === 'cancelled') expect([cancelled, settled]).toEqual(['cancelled', 'cancelled']);
      else expect([status, settled]).toEqual(['completed', 'settled']);
      if (status === 'completed') expect(cancelled).not.toBe('cancelled');
    }
  });
}

function theDead(harness: Harness): void {
  it('cancels a step that a dead pod holds, before or after its eviction, and leaves no orphan', async () => {
    const [dead, leader] = [await harness.joinMortal(), await harness.join()];
    const claims = [await harness.held(dead), await harness.held(dead)] as const;
    await harness.pass(2);
    expect(await harness.store.cancel(fresh('cancel'), [await harness.step(claims[0])])).toEqual(['cancelled']);
    expect(await harness.store.evict([dead])).toEqual([dead]);
    expect(await harness.store.cancel(fresh('cancel'), [await harness.step(claims[1])])).toEqual(['cancelled']);
    expect(await harness.store.orphans({ limit: 10 })).toEqual([]);
    for (const claim of claims) {
      expect(await harness.step(claim)).toMatchObject({ status: 'cancelled', crashes: 0, retryCount: 0 });
    }
    expect(await harness.claim(leader, { types: { [claims[0].type]: 1, [claims[1].type]: 1 } })).toEqual([]);
  });

  it('leaves a step cancelled that the recovery had already found, and charges nothing', async () => {
    const [dead, leader] = [await harness.joinMortal(), await harness.join()];
    const [toRequeue, toFail] = [await harness.held(dead), await harness.held(dead)];
    await harness.pass(2);
    await harness.store.evict([dead]);
    const orphans = await harness.store.orphans({ limit: 10 });
    expect(ids(orphans).sort()).toEqual(ids([toRequeue, toFail]).sort());
    const other = await harness.another(); // the one who cancels is another process
    expect(await other.cancel(fresh('cancel'), [toRequeue, toFail])).toEqual(['cancelled', 'cancelled']);
    const rows = () => Promise.all([harness.step(toRequeue), harness.step(toFail)]);
    const before = await rows();
    const failed = settlement(toFail, { status: 'failed', crash: 1, result: null, error: '{"message":"dead"}' });
    const late = [pendingAgain(toRequeue, { crash: 1 }), failed];
    expect(await harness.store.settle(leader, late)).toEqual(['cancelled', 'cancelled']);
    expect(await harness.settle(dead, settlement(toRequeue))).toBe('cancelled'); // it was only frozen
    expect(await rows()).toEqual(before);
    expect(before).toMatchObject([
      { status: 'cancelled', crashes: 0, retryCount: 0 },
      { status: 'cancelled', crashes: 0, retryCount: 0 },
    ]);
  });
}

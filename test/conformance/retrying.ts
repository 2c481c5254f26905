/** Retrying by command: a step that failed or was cancelled starts over, with fresh counts. */
import { expect, it } from 'vitest';
import type { Claim } from '../../src/store/contract.js';
import { fresh, pendingAgain, settlement, type Harness } from './harness.js';

/** A step that has failed after a retry and a crash. */
async function failed(harness: Harness): Promise<Claim> {
  const pod = await harness.join();
  const claim = await harness.held(pod, { delayMs: 0 });
  await harness.settle(pod, pendingAgain(claim, { charge: 1, crash: 1 }));
  const again = await harness.claimOne(pod, { types: { [claim.type]: 1 } });
  await harness.settle(
    pod,
    settlement(again, { status: 'failed', result: null, error: '{"name":"Error","message":"no"}' }),
  );
  return again;
}

export function retrying(harness: Harness): void {
  it('makes a failed step pending, due now, with fresh counts and without its error', async () => {
    const step = await harness.step(await failed(harness));
    expect(step).toMatchObject({ status: 'failed', retryCount: 1, crashes: 1, error: expect.any(String) });
    await harness.pass(1);
    expect(await harness.store.retry([step])).toEqual(['retried']);
    const row = await harness.step(step);
    expect(row).toMatchObject({
      status: 'pending',
      retryCount: 0,
      crashes: 0,
      claimedBy: null,
      claimedIncarnation: null,
      result: null,
      error: null,
    });
    expect(row.version).toBeGreaterThan(step.version);
    expect(row.runAt).toBeGreaterThan(step.runAt);
    await harness.claimOne(await harness.join(), { types: { [step.type]: 1 } });
  });

  it('makes a cancelled step pending, even one that was not due yet', async () => {
    const step = await harness.step(await harness.submit({ delayMs: 3_600_000 }));
    await harness.store.cancel(fresh('cancel'), [step]);
    expect(await harness.store.retry([await harness.step(step)])).toEqual(['retried']);
    expect((await harness.claimOne(await harness.join())).stepId).toBe(step.stepId);
  });

  it('returns retried, notRetryable or notFound for each step, in their order', async () => {
    const pod = await harness.join();
    const done = await harness.held(pod);
    await harness.settle(pod, settlement(done));
    const claim = await harness.held(pod);
    const pending = await harness.submit();
    const at = [
      await harness.step(done),
      claim,
      await harness.step(pending),
      { stepId: 'nowhere', version: 1 },
      await harness.step(await failed(harness)),
    ];
    expect(await harness.store.retry(at)).toEqual([
      'notRetryable',
      'notRetryable',
      'notRetryable',
      'notFound',
      'retried',
    ]);
    expect(await harness.step(done)).toMatchObject({ status: 'completed', version: at[0]!.version });
    expect((await harness.step(claim)).status).toBe('claimed');
    expect(await harness.store.retry([])).toEqual([]);
  });

  it('changes nothing by a repeat, and returns retried again', async () => {
    const step = await harness.step(await failed(harness));
    await harness.store.retry([step]);
    const after = await harness.step(step);
    expect(await harness.store.retry([step])).toEqual(['retried']);
    expect(await harness.step(step)).toEqual(after);
  });

  it('returns changed for a step that has failed again since the version that was read', async () => {
    const step = await harness.step(await failed(harness));
    await harness.store.retry([step]);
    const pod = await harness.join();
    const claim = await harness.claimOne(pod, { types: { [step.type]: 1 } });
    await harness.settle(pod, settlement(claim, { status: 'failed', result: null, error: '{}' }));
    expect(await harness.store.retry([step])).toEqual(['changed']);
    const again = await harness.step(step);
    expect(again.status).toBe('failed');
    expect(await harness.store.retry([again])).toEqual(['retried']);
    expect((await harness.step(step)).status).toBe('pending');
  });

  it('starts a step over once if two callers retry it', async () => {
    const step = await harness.step(await failed(harness));
    const other = await harness.another();
    const receipts = await Promise.all([harness.store.retry([step]), other.retry([step])]);
    expect(receipts).toEqual([['retried'], ['retried']]);
    expect((await harness.step(step)).version).toBe(step.version + 1);
  });
}

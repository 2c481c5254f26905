/** Settling: each transition, as the row shows it afterwards. */
import { describe, expect, it } from 'vitest';
import type { Settlement } from '../../src/store/contract.js';
import { fresh, pendingAgain, ids, newSteps, settlement, type Harness } from './harness.js';

const ERROR = JSON.stringify({ name: 'Error', message: 'no luck' });

export function settling(harness: Harness): void {
  for (const [name, settle] of [
    ['exchange', async (pod, one) => harness.settle(pod, one)],
    ['settle', async (pod, one) => (await harness.store.settle(pod, [one]))[0]!],
  ] as [string, Harness['settle']][]) {
    describe(`through ${name}`, () => transitions(harness, settle));
  }
  batches(harness);
}

function transitions(harness: Harness, settle: Harness['settle']): void {
  it('completes a step with its result, and keeps its holder', async () => {
    const pod = await harness.join();
    const claim = await harness.held(pod);
    await harness.pass(1);
    expect(await settle(pod, settlement(claim, { result: '{"rows":3}' }))).toBe('settled');
    const row = await harness.step(claim);
    expect(row).toMatchObject({
      status: 'completed',
      result: '{"rows":3}',
      error: null,
      retryCount: 0,
      crashes: 0,
      claimedBy: pod.podId,
    });
    expect(row.version).toBeGreaterThan(claim.version);
    expect(row.updatedAt).toBeGreaterThan(row.createdAt);
    expect(await harness.claim(pod, { types: { [claim.type]: 1 } })).toEqual([]);
  });

  it('completes a step without a result', async () => {
    const pod = await harness.join();
    const claim = await harness.held(pod);
    expect(await settle(pod, settlement(claim, { result: null }))).toBe('settled');
    expect(await harness.step(claim)).toMatchObject({ status: 'completed', result: null });
  });

  it('fails a step permanently, with its error', async () => {
    const pod = await harness.join();
    const claim = await harness.held(pod);
    expect(await settle(pod, settlement(claim, { status: 'failed', result: null, error: ERROR }))).toBe('settled');
    expect(await harness.step(claim)).toMatchObject({
      status: 'failed',
      error: ERROR,
      result: null,
      claimedBy: pod.podId,
    });
    expect(await harness.claim(pod, { types: { [claim.type]: 1 } })).toEqual([]);
  });

  it('cancels a step', async () => {
    const pod = await harness.join();
    const claim = await harness.held(pod);
    expect(await settle(pod, settlement(claim, { status: 'cancelled', result: null }))).toBe('settled');
    expect((await harness.step(claim)).status).toBe('cancelled');
  });

  it('retries later: pending again, charged, held by nobody, due after its delay', async () => {
    const pod = await harness.join();
    const claim = await harness.held(pod);
    expect(await settle(pod, pendingAgain(claim, { delayMs: 2 * harness.tickMs, charge: 1, error: ERROR }))).toBe(
      'settled',
    );
    expect(await harness.step(claim)).toMatchObject({
      status: 'pending',
      retryCount: 1,
      crashes: 0,
      error: ERROR,
      claimedBy: null,
      claimedIncarnation: null,
    });
    const again = () => harness.claim(pod, { types: { [claim.type]: 1 } });
    await harness.pass(1);
    expect(await again()).toEqual([]);
    await harness.pass(1);
    expect(await again()).toEqual([expect.objectContaining({ stepId: claim.stepId, retryCount: 1 })]);
    expect((await harness.step(claim)).error).toBe(ERROR);
  });

  it('makes a step due at once after a delay of 0, and accepts a fractional delay', async () => {
    const pod = await harness.join();
    const claim = await harness.held(pod);
    expect(await settle(pod, pendingAgain(claim, { delayMs: 0, charge: 1 }))).toBe('settled');
    const again = await harness.claimOne(pod, { types: { [claim.type]: 1 } });
    expect(await settle(pod, pendingAgain(again, { delayMs: 0.75, charge: 1 }))).toBe('settled');
    await harness.pass(1);
    expect(await harness.claimOne(pod, { types: { [claim.type]: 1 } })).toMatchObject({ retryCount: 2 });
  });

  it('releases a step uncharged, and keeps its runAt if there is no delay', async () => {
    const pod = await harness.join();
    const claim = await harness.held(pod, { runAt: 5_000 });
    expect(await settle(pod, pendingAgain(claim))).toBe('settled');
    expect(await harness.step(claim)).toMatchObject({
      status: 'pending',
      retryCount: 0,
      crashes: 0,
      runAt: 5_000,
      claimedBy: null,
    });
  });

  it('counts a crash apart from retries', async () => {
    const pod = await harness.join();
    const claim = await harness.held(pod);
    expect(await settle(pod, pendingAgain(claim, { crash: 1 }))).toBe('settled');
    const again = await harness.claimOne(pod, { types: { [claim.type]: 1 } });
    expect(again).toMatchObject({ crashes: 1, retryCount: 0 });
    expect(await settle(pod, settlement(again, { status: 'failed', crash: 1, result: null, error: ERROR }))).toBe(
      'settled',
    );
    expect(await harness.step(claim)).toMatchObject({ status: 'failed', crashes: 2, retryCount: 0 });
  });

  it('raises the version with every change', async () => {
    const pod = await harness.join();
    const claim = await harness.held(pod);
    const versions = [claim.version];
    await settle(pod, pendingAgain(claim));
    versions.push((await harness.step(claim)).version);
    const again = await harness.claimOne(pod, { types: { [claim.type]: 1 } });
    versions.push(again.version);
    await settle(pod, settlement(again));
    versions.push((await harness.step(claim)).version);
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
  });
}

function batches(harness: Harness): void {
  it('returns receipts in the order of the settlements, for accepted and stale ones', async () => {
    const pod = await harness.join();
    await harness.store.submit(newSteps(3));
    const [a, b, c] = await harness.claim(pod);
    const stale = settlement({ ...b!, claimToken: 'stale' });
    const { receipts } = await harness.exchange({ pod, settlements: [settlement(c!), stale, settlement(a!)] });
    expect(receipts).toEqual(['settled', 'lost', 'settled']);
    expect((await harness.step(b!)).status).toBe('claimed');
    expect(await harness.store.settle(pod, [stale, settlement(b!)])).toEqual(['lost', 'settled']);
  });

  it('returns a receipt for each of many equal settlements, also when they are repeated', async () => {
    const pod = await harness.join();
    await harness.store.submit(newSteps(4));
    const claims = await harness.claim(pod);
    const { stepId, version } = claims[1]!;
    await harness.store.cancel('by hand', [{ stepId, version }]);
    await harness.settle(pod, settlement(claims[2]!));
    const batch = claims.map((claim) => settlement(claim));
    for (let i = 0; i < 2; i++) {
      const { receipts } = await harness.exchange({ pod, settlements: batch });
      expect(receipts).toEqual(['settled', 'cancelled', 'settled', 'settled']);
    }
    const steps = await Promise.all(claims.map((claim) => harness.step(claim)));
    expect(steps.map(({ status }) => status)).toEqual(['completed', 'cancelled', 'completed', 'completed']);
    expect(steps[0]!.version).toBe(claims[0]!.version + 1);
  });

  it('applies each settlement as given, even if it differs from the one before in a single field', async () => {
    const pod = await harness.join();
    const changes: Partial<Settlement>[] = [
      { result: '"a"' },
      { result: '"b"' },
      { status: 'failed' },
      { error: ERROR },
      { crash: 1 },
      { charge: 1 },
    ];
    await harness.store.submit(newSteps(changes.length));
    const claims = await harness.claim(pod);
    let over: Partial<Settlement> = {};
    const settlements = changes.map((change, i) => settlement(claims[i]!, (over = { ...over, ...change })));
    expect((await harness.exchange({ pod, settlements })).receipts).toEqual(claims.map(() => 'settled'));
    await harness.seen();
    const found = new Map((await harness.store.find(ids(claims))).map((row) => [row.stepId, row]));
    const rows = claims.map(({ stepId }) => found.get(stepId)!);
    expect(
      rows.map(({ status, result, error, crashes, retryCount }) => [status, result, error, crashes, retryCount]),
    ).toEqual(settlements.map(({ status, result, error, crash, charge }) => [status, result, error, crash, charge]));
  });

  it('settles steps that were claimed together at different versions', async () => {
    const pod = await harness.join();
    const type = fresh('type');
    const types = { [type]: 5 };
    await harness.submit({ type });
    await harness.settle(pod, pendingAgain(await harness.claimOne(pod, { types })));
    await harness.submit({ type });
    const claims = await harness.claim(pod, { types });
    expect(new Set(claims.map(({ version }) => version)).size).toBe(2);
    const settlements = claims.map((claim) => settlement(claim));
    expect((await harness.exchange({ pod, settlements })).receipts).toEqual(['settled', 'settled']);
  });

  it('accepts an empty list of settlements', async () => {
    expect(await harness.store.settle(await harness.join(), [])).toEqual([]);
  });

  it('settles a large batch of different settlements', async () => {
    const pod = await harness.join();
    const { batch } = (await harness.exchange({ pod, settlements: [] })).pace;
    const count = Math.min(batch, 200);
    await harness.store.submit(newSteps(count));
    const claims = await harness.claim(pod, { free: count, types: { work: count } });
    const settlements = claims.map((claim, i) =>
      i % 3 === 0
        ? settlement(claim, { result: String(i) })
        : i % 3 === 1
          ? pendingAgain(claim, { charge: 1 })
          : settlement(claim, { status: 'failed', error: ERROR }),
    );
    expect((await harness.exchange({ pod, settlements })).receipts).toEqual(claims.map(() => 'settled'));
    await harness.seen();
    const rows = new Map((await harness.store.find(ids(claims))).map((row) => [row.stepId, row]));
    claims.forEach((claim, i) => {
      expect(rows.get(claim.stepId)).toMatchObject({
        status: ['completed', 'pending', 'failed'][i % 3],
        retryCount: i % 3 === 1 ? 1 : 0,
      });
    });
  });
}

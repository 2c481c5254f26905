/** What a heartbeat's reply says about claims, if the store's reads may be late. */
import { describe, expect, test } from 'vitest';
import { Handlers } from '../../../src/pool/handlers/handlers.js';
import { HeldClaim } from '../../../src/pool/claims/held-claim.js';
import { ClaimComparison, type ClaimSnapshot } from '../../../src/pool/claims/claim-comparison.js';
import type { StepContext } from '../../../src/step/handler-context.js';
import { StepRegistry } from '../../../src/step/step-registry.js';
import type { Fence, FreshClaim } from '../../../src/store/contract.js';
import { POD, running, type Rig } from '../support/rig.js';

const STALE = 10_000;
const HANDLERS = new Handlers(new StepRegistry(), undefined);

function heldOf(stepId: string, claimedAt: number, state: 'running' | 'ended' = 'running'): HeldClaim {
  const rest = { type: 'work', payload: '{}', priority: 0, retryCount: 0, maxRetries: 3, crashes: 0, runAt: 0 };
  const claim: FreshClaim = {
    stepId,
    claimToken: `token of ${stepId}`,
    version: 2,
    ...rest,
    createdAt: 0,
    dueForMs: 0,
  };
  const held: HeldClaim = new HeldClaim(claim, POD, HANDLERS.none, claimedAt);
  held.begin(claimedAt);
  if (state === 'ended') held.end({ kind: 'succeeded', result: null });
  return held;
}

const snapshotOf = (takenAt: number, claims: readonly HeldClaim[] = []): ClaimSnapshot => ({
  ...{ takenAt, pod: POD, claims, openTokens: [] },
});
const knownOf = (now: number, claims: readonly HeldClaim[] = []) => ({
  ...{ now, fences: claims.map(({ claim }) => claim), openTokens: [] },
});

describe('a claim that the heartbeat does not show', () => {
  test('is not judged if it was taken after the heartbeat was sent, even in the same millisecond', () => {
    const taken = heldOf('a', 100);
    const { lost, unseen } = new ClaimComparison(0).compare(snapshotOf(100), [], knownOf(100, [taken]));
    expect([...lost]).toEqual([]);
    expect(unseen).toEqual([]);
  });

  test('is not judged if it has ended meanwhile', () => {
    const ended = heldOf('a', 0, 'ended');
    expect([...new ClaimComparison(0).compare(snapshotOf(100, [ended]), [], knownOf(100)).lost]).toEqual([]);
  });

  test.each([
    ['at once, if reads are never late', 0, 0, true],
    ['not while it is younger than a read may be late', STALE, STALE - 1, false],
    ['as soon as the heartbeat was sent when it was as old', STALE, STALE, true],
  ])('is lost: %s', (_, staleReadMs, ageMs, isLost) => {
    const held = heldOf('a', 5_000);
    const snapshot = snapshotOf(5_000 + ageMs, [held]);
    const { lost, unseen } = new ClaimComparison(staleReadMs).compare(snapshot, [], knownOf(1e6, [held]));
    expect([...lost]).toEqual(isLost ? [held] : []);
    expect(unseen).toEqual(isLost ? [] : [held]);
  });

  test('is not lost after many heartbeats that were all sent too early', () => {
    const comparison = new ClaimComparison(STALE);
    const held = heldOf('a', 0);
    for (let sentAt = 500; sentAt < STALE; sentAt += 500) {
      expect(comparison.compare(snapshotOf(sentAt, [held]), [], knownOf(sentAt + 50, [held])).lost.size).toBe(0);
    }
    expect(comparison.compare(snapshotOf(STALE, [held]), [], knownOf(STALE + 50, [held])).lost.size).toBe(1);
  });
});

describe('a claim that only the heartbeat shows', () => {
  const unknownFence: Fence = { stepId: 'a', claimToken: 'settled', version: 2 };

  test('is given back only if every heartbeat has shown it for longer than a read may be late', () => {
    const comparison = new ClaimComparison(STALE);
    const unknownAt = (sentAt: number, held: readonly Fence[]) =>
      comparison.compare(snapshotOf(sentAt), held, knownOf(sentAt + 100)).unknown;
    expect(unknownAt(0, [unknownFence])).toEqual([]); // answered at 100
    expect(unknownAt(5_000, [unknownFence])).toEqual([]);
    expect(unknownAt(10_099, [unknownFence])).toEqual([]);
    expect(unknownAt(10_100, [unknownFence])).toEqual([unknownFence]);
    expect(unknownAt(20_000, [])).toEqual([]);
    expect(unknownAt(30_000, [unknownFence])).toEqual([]); // it starts again
    expect(unknownAt(40_099, [unknownFence])).toEqual([]);
    expect(unknownAt(40_100, [unknownFence])).toEqual([unknownFence]);
  });

  test('is given back at the second heartbeat if reads are never late', () => {
    const comparison = new ClaimComparison(0);
    expect(comparison.compare(snapshotOf(0), [unknownFence], knownOf(100)).unknown).toEqual([]);
    expect(comparison.compare(snapshotOf(100), [unknownFence], knownOf(200)).unknown).toEqual([unknownFence]);
  });
});

describe('a pool on a store with late reads', () => {
  /** A handler that runs until it is aborted, and why it was. */
  const until = (reasons: unknown[]) => ({
    slow: (_: unknown, { signal }: StepContext) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => {
          reasons.push((signal.reason as { code: string }).code);
          reject(signal.reason as Error);
        }),
      ),
  });
  const beat = (rig: Rig, held: readonly Fence[]) => rig.pool.reconcile(rig.pool.snapshot(), held);

  test('keeps a claim that a heartbeat does not show yet, and drops it if a later one does not either', async () => {
    const reasons: unknown[] = [];
    const rig = await running(until(reasons), { staleReadMs: STALE }, ({ store }) => store.add('s1', 'slow'));
    await rig.runtime.advance(2_000);
    beat(rig, []);
    await rig.runtime.advance(7_999);
    beat(rig, []);
    await rig.runtime.settle();
    expect(reasons).toEqual([]);
    expect(rig.pool.load.running).toBe(1);
    rig.store.requeue('s1');
    rig.store.row('s1').runAt = Infinity;
    await rig.runtime.advance(1);
    beat(rig, []);
    await rig.runtime.settle();
    expect(reasons).toEqual(['CLAIM_ABORTED']);
    expect(rig.events('step:lost')).toMatchObject([{ stepId: 's1' }]);
  });

  test('learns from the first heartbeat without a claim that its step was cancelled', async () => {
    const reasons: unknown[] = [];
    const rig = await running(until(reasons), { staleReadMs: STALE }, ({ store }) => store.add('s1', 'slow'));
    await rig.runtime.advance(2_000);
    rig.store.cancel('s1');
    beat(rig, []);
    await rig.runtime.settle();
    expect(reasons).toEqual(['STEP_CANCELLED']);
    expect(rig.events('step:cancelled')).toMatchObject([{ stepId: 's1', by: 'holder' }]);
  });

  test('ignores a cancellation from before the claim, which is a late read', async () => {
    const reasons: unknown[] = [];
    const rig = await running(until(reasons), { staleReadMs: STALE }, ({ store }) => store.add('s1', 'slow'));
    await rig.runtime.advance(2_000);
    rig.store.cancelled = () => Promise.resolve([{ stepId: 's1', agoMs: 2_001 }]); // it was retried, then claimed
    beat(rig, []);
    await rig.runtime.settle();
    expect(reasons).toEqual([]);
  });

  test('gives back an unknown claim under its fence, so that a newer claim of the step stays', async () => {
    const reasons: unknown[] = [];
    const rig = await running(until(reasons), { staleReadMs: STALE }, ({ store }) => store.add('s1', 'slow'));
    const [held] = rig.store.held(POD);
    const old = { ...held!, version: held!.version - 2 }; // the claim before, which this pod has settled
    beat(rig, [old, held!]);
    await rig.runtime.advance(STALE);
    beat(rig, [old, held!]);
    await rig.runtime.advance(1_000);
    expect(rig.store.requests.flatMap(({ settlements }) => settlements)).toMatchObject([{ ...old, status: 'pending' }]);
    expect(rig.store.held(POD)).toEqual([held]);
    expect(rig.pool.load).toMatchObject({ running: 1, unstarted: 0, unsettled: 0 });
    expect(reasons).toEqual([]);
    expect(rig.emitted.map(({ name }) => name)).toEqual(['step:claimed', 'step:started']);
  });
});

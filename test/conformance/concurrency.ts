/** Several handles at once: no step is given to two pods, lost, or settled twice. */
import { expect, it } from 'vitest';
import type { Claim, Store } from '../../src/store/contract.js';
import { claimRequest, pendingAgain, ids, newSteps, settlement, type Harness } from './harness.js';

const HANDLES = 4;

async function handles(harness: Harness): Promise<Store[]> {
  const all = [harness.store];
  while (all.length < HANDLES) all.push(await harness.another());
  return all;
}

export function concurrency(harness: Harness): void {
  it('gives no step to two pods when many claim at once', async () => {
    const count = 3_000;
    const made: string[] = [];
    for (let left = count; left > 0; left -= 100) {
      const steps = newSteps(100);
      await harness.store.submit(steps);
      made.push(...ids(steps));
    }
    const taken = await drain(harness, await handles(harness), (claim) => settlement(claim));
    expect(taken.flat().sort()).toEqual(made.sort());
    await harness.seen();
    expect((await harness.store.stats()).byStatus).toEqual({
      pending: 0,
      claimed: 0,
      completed: count,
      failed: 0,
      cancelled: 0,
    });
  });

  it('charges each retry once when many pods settle and claim', async () => {
    const steps = newSteps(60);
    await harness.store.submit(steps);
    const rounds = 5;
    const again = (claim: Claim) =>
      claim.retryCount < rounds ? pendingAgain(claim, { charge: 1, delayMs: 0 }) : settlement(claim);
    const taken = await drain(harness, await handles(harness), again);
    expect(taken.flat()).toHaveLength(steps.length * (rounds + 1));
    await harness.seen();
    for (const row of await harness.store.find(ids(steps)))
      expect(row).toMatchObject({ status: 'completed', retryCount: rounds });
  });

  it('makes one step of each when many submit the same steps at once', async () => {
    const steps = newSteps(100);
    const receipts = await Promise.all((await handles(harness)).map((store) => store.submit(steps)));
    steps.forEach((_, i) => {
      const ofStep = receipts.map((each) => each[i]);
      const created = ofStep.filter((receipt) => receipt === 'created').length;
      if (harness.uniqueKeys) expect(created).toBe(1);
      else expect(created).toBeGreaterThanOrEqual(1);
      expect(ofStep.filter((receipt) => receipt === 'duplicate')).toHaveLength(HANDLES - created);
    });
    await harness.seen();
    expect((await harness.store.stats()).byStatus.pending).toBe(100);
    const given = await drain(harness, await handles(harness), (claim) => settlement(claim));
    expect(given.flat().sort()).toEqual(ids(steps).sort());
  });

  it('loses no step when many submit and claim at once', async () => {
    const all = await handles(harness);
    const made: string[] = [];
    let submitting = true;
    const submit = async (): Promise<void> => {
      for (let i = 0; i < 20; i++) {
        const steps = newSteps(25);
        await all[0]!.submit(steps);
        made.push(...ids(steps));
      }
      submitting = false;
    };
    const work = drain(
      harness,
      all.slice(1),
      (claim) => settlement(claim),
      () => submitting,
    );
    const [, taken] = await Promise.all([submit(), work]);
    expect(taken.flat().sort()).toEqual(made.sort());
  });

  it('applies one settlement when many settle the same claim at once', async () => {
    const claim = await harness.held(await harness.join());
    const all = await handles(harness);
    const pods = await Promise.all(all.map(() => harness.join()));
    const receipts = await Promise.all(
      all.map((store, i) => store.settle(pods[i]!, [pendingAgain(claim, { charge: 1 })])),
    );
    expect(receipts.flat().filter((receipt) => receipt === 'settled')).toHaveLength(1);
    expect((await harness.step(claim)).retryCount).toBe(1);
  });

  it('keeps pods apart when many register, send heartbeats and leave at once', async () => {
    const all = await handles(harness);
    const pods = await Promise.all(all.map((store) => harness.join({}, store)));
    const beats = all.map((store, i) => store.heartbeat(pods[i]!, { eligible: true, asleep: false, meta: { i } }));
    await Promise.all(beats);
    await Promise.all([all[0]!.leave(pods[0]!), all[1]!.leave(pods[1]!)]);
    await harness.seen();
    const left = (await harness.store.fleet()).map((view) => view.pod.incarnation);
    expect(left.sort()).toEqual([pods[2]!.incarnation, pods[3]!.incarnation].sort());
  });
}

/**
 * Exchanges as pods would, settling what they claim, until none of them gets anything more. Answers the claims of each in their
 * order. A pod that gets nothing goes on as long as another one works: the store may still hand out a step to it.
 */
async function drain(
  harness: Harness,
  stores: readonly Store[],
  settle: (claim: Claim) => ReturnType<typeof settlement>,
  goOn: () => boolean = () => false,
): Promise<string[][]> {
  /** How many exchanges of each pod in a row have moved nothing, since any pod has moved something. */
  const idle = stores.map(() => 0);
  const pod = async (store: Store, mine: number): Promise<string[]> => {
    const pod = await harness.join({}, store);
    const given: string[] = [];
    let held: readonly Claim[] = [];
    while (idle.some((times) => times < 2)) {
      const more = goOn(); // checked first: a step that was submitted before is due when the exchange is sent
      if (idle[mine]! > 0) await harness.seen(); // the last exchange must not have read too late
      const settlements = held.map(settle);
      const reply = await store.exchange({ pod, settlements, claim: claimRequest({ free: 50, prefetch: 10 }) });
      expect(reply.receipts).toEqual(settlements.map(() => 'settled'));
      held = reply.claims;
      given.push(...ids(held));
      if (more || held.length > 0 || settlements.length > 0) idle.fill(0);
      else idle[mine]!++;
    }
    return given;
  };
  return Promise.all(stores.map(pod));
}

/**
 * Receipts that a pod reads late: its settlement was applied, and before it looks, other pods have claimed the step again and settled
 * it. The settlement is not lost.
 */
import { expect, onTestFinished, test } from 'vitest';
import type { Claim, PodRef, Receipt, Settlement, Store } from '../../../src/store/contract.js';
import { fresh, newStep, pendingAgain, settlement } from '../../conformance/harness.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { servedByOthers } from './support/served-by-others.js';
import { claimed, joined, useStores } from './support/stores.js';

interface Party {
  readonly store: Store;
  readonly pod: PodRef;
}

const PATIENCE = { timeout: 20_000 };
/** What a read of receipts is made of. */
const RECEIPTS = /\breceipt AS \(/;

const retry = (claim: Claim): Settlement => pendingAgain(claim, { charge: 1, delayMs: 0 });

describeOnTestBed('a settlement', { timeout: 90_000 }, () => {
  const stores = useStores();
  const { bed, pass } = stores;
  const { logging, serving, serve } = servedByOthers(stores);

  const party = async (store: Promise<Store>): Promise<Party> => ({
    store: await store,
    pod: await joined(await store),
  });

  /** Gives one step to a pod. */
  async function held({ store, pod }: Party): Promise<Claim> {
    await store.submit([newStep()]);
    return taken({ store, pod });
  }

  async function taken({ store, pod }: Party): Promise<Claim> {
    let claims: readonly Claim[] = [];
    await expect.poll(async () => (claims = await claimed(store, pod)).length, PATIENCE).toBe(1);
    return claims[0]!;
  }

  async function settled({ store, pod }: Party, one: Settlement): Promise<Receipt> {
    return (await store.exchange({ pod, settlements: [one] })).receipts[0]!;
  }

  /** Holds the pod's reads of its receipts, from the next one on. Resolves when that one has come. */
  function holdReceipts({ pod }: Party) {
    const { faults } = bed().proxy;
    const name = fresh('receipts');
    let free!: () => void;
    const until = new Promise<void>((resolve) => (free = resolve));
    const binds = new RegExp(`${pod.incarnation}.*mine[^[]*\\[\\{`);
    const stop = faults.inject(
      { kind: 'held', what: 'request', until },
      { text: RECEIPTS, binds, times: Infinity, name },
    );
    const release = () => {
      stop();
      free();
    };
    onTestFinished(release);
    return { come: () => expect.poll(() => faults.happened.get(name) ?? 0, PATIENCE).toBeGreaterThan(0), release };
  }

  /** Another pod claims the step, and settles it. */
  async function overtake(other: Party, one: (claim: Claim) => Settlement = retry): Promise<void> {
    expect(await settled(other, one(await taken(other)))).toBe('settled');
  }

  interface Way {
    readonly by: string;
    readonly store: () => Promise<Store>;
    readonly settle: (party: Party, one: Settlement) => Promise<Receipt>;
  }

  test.each<Way>([
    { by: 'its own UPDATE', store: serving, settle: settled },
    {
      by: 'an UPDATE of recovery',
      store: serving,
      settle: async ({ store, pod }: Party, one: Settlement) => (await store.settle(pod, [one]))[0]!,
    },
    { by: 'an UPDATE that serves the log', store: logging, settle: settled },
  ])(
    'that $by has applied is settled, although its pod reads it after another pod has settled the step again',
    async (way) => {
      const [first, other] = [await party(way.store()), await party(serving())];
      const claim = await held(first);
      const receipts = holdReceipts(first);
      const receipt = way.settle(first, retry(claim));
      await receipts.come();
      if (way.store === logging) expect(await serve(other.store, other.pod)).toEqual([]);
      await overtake(other);
      await overtake(other, (again) => settlement(again));
      receipts.release();
      expect(await receipt).toBe('settled');
      expect(await first.store.find([claim.stepId])).toMatchObject([{ status: 'completed', retryCount: 2 }]);
    },
  );

  test('is settled, also if the step was cancelled while another pod held it since', async () => {
    const [first, other] = [await party(serving()), await party(serving())];
    const claim = await held(first);
    expect(await settled(first, retry(claim))).toBe('settled');
    const again = await taken(other);
    expect(await other.store.cancel(fresh('cancel'), [again])).toEqual(['cancelled']);
    expect(await settled(first, retry(claim))).toBe('settled');
    expect(await settled(other, retry(again))).toBe('cancelled');
  });

  test('is settled, also if the step was then cancelled while it was pending, and retried', async () => {
    const first = await party(serving());
    const claim = await held(first);
    const back = pendingAgain(claim, { delayMs: 5_000 });
    expect(await settled(first, back)).toBe('settled');
    const { store } = first;
    expect(await store.cancel(fresh('cancel'), await store.find([claim.stepId]))).toEqual(['cancelled']);
    expect(await settled(first, back)).toBe('cancelled');
    expect(await store.retry(await store.find([claim.stepId]))).toEqual(['retried']);
    expect(await settled(first, back)).toBe('settled');
  });

  test('is lost if another pod had settled the claim, and the step was cancelled and retried', async () => {
    const [first, other] = [await party(serving()), await party(serving())];
    const claim = await held(first);
    const back = pendingAgain(claim, { delayMs: 5_000 });
    expect(await other.store.settle(other.pod, [back])).toEqual(['settled']);
    const { store } = first;
    expect(await store.cancel(fresh('cancel'), await store.find([claim.stepId]))).toEqual(['cancelled']);
    expect(await store.retry(await store.find([claim.stepId]))).toEqual(['retried']);
    expect(await settled(first, back)).toBe('lost');
  });

  test('is lost, whatever came after it, if another pod had settled the claim before it', async () => {
    const [first, other] = [await party(serving()), await party(serving())];
    const claim = await held(first);
    expect(await settled(other, retry(claim))).toBe('settled');
    await overtake(other);
    expect(await settled(first, retry(claim))).toBe('lost');
    expect(await settled(other, retry(claim))).toBe('settled');
  });

  test('is remembered in the archive', async () => {
    const [first, other] = [await party(serving()), await party(serving())];
    const claim = await held(first);
    expect(await settled(first, retry(claim))).toBe('settled');
    await overtake(other, (again) => settlement(again));
    pass(1_200_000);
    await first.store.prune({ keepMs: 86_400_000 });
    const driver = await stores.byHand();
    expect(await driver.run('SELECT COUNT(*) AS n FROM STEP_TRACKER')).toEqual([{ N: 0 }]);
    expect(await settled(first, retry(claim))).toBe('settled');
  });

  test('is remembered until twenty others have followed the next one', async () => {
    const [first, other] = [await party(serving()), await party(serving())];
    const claim = await held(first);
    const driver = await stores.byHand();
    expect(await settled(first, retry(claim))).toBe('settled');
    // What is held again is made by hand, because claims by a store take far longer.
    const overtakeByHand = async (token: string) => {
      await driver.run(`UPDATE STEP_TRACKER SET status = 'claimed', claim_token = '${token}', version = version + 1`);
      const [row] = await driver.run('SELECT version AS v FROM STEP_TRACKER');
      const fence = { stepId: claim.stepId, claimToken: token, version: Number(row!['V']) };
      expect(await other.store.settle(other.pod, [pendingAgain(fence)])).toEqual(['settled']);
    };
    for (let n = 1; n <= 20; n++) await overtakeByHand(`token ${n}`);
    expect(await settled(first, retry(claim))).toBe('settled');
    await overtakeByHand('token 21');
    expect(await settled(first, retry(claim))).toBe('lost');
    const [row] = await driver.run('SELECT LENGTH(earlier_settlements) AS n FROM STEP_TRACKER');
    expect(row).toEqual({ N: 640 });
  });
});

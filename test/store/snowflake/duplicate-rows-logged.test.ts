/**
 * Duplicate rows of one step whose claims and settlements are applied by the UPDATEs of other pods: no two pods hold the step at
 * once, and none of its rows runs again after it has ended.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { Claim, Settlement } from '../../../src/store/contract.js';
import { claimRequest, ids, settlement, type ClaimRequestOver } from '../../conformance/harness.js';
import { Random } from '../../chaos/random.js';
import type { Driver } from '../../support/warehouse/driver.js';
import type { Reading } from '../../support/warehouse/meter.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { lateOn } from './support/late-reads.js';
import { servedByOthers } from './support/served-by-others.js';
import { claimed, joined, useStores } from './support/stores.js';

const SEED = process.env['SEED'] ?? String(Date.now() % 1_000_000);
/** How many steps have two rows each. */
const STEPS = 8;
const SECOND = 1_000;
const MINUTE = 60_000;
/** Pods that take other types are another group: no UPDATE hands out steps of two groups. */
const OTHERS: ClaimRequestOver = { types: { work: 10, more: 10 } };

describeOnTestBed('duplicate rows of a step that other pods serve', { timeout: 90_000 }, () => {
  const stores = useStores();
  const { bed, byHand, pass } = stores;
  const { patient, logging, serving, silentHead, logged, serve } = servedByOthers(stores);

  const put = (driver: Driver, row: string) =>
    driver.run(`INSERT INTO STEP_TRACKER (step_id, row_id, step_type) SELECT 'double', '${row}', 'work'`);
  const rows = async (driver: Driver) => {
    const sql = `SELECT row_id AS r, status AS s FROM STEP_TRACKER WHERE step_id = 'double' ORDER BY row_id`;
    return (await driver.run(sql)).map(({ R, S }) => `${R} ${S}`);
  };

  /** A pod whose exchanges wait in the log until another pod serves them. */
  async function waiting() {
    const { store, takeOver } = await patient();
    const pod = await joined(store);
    let requests = 0;
    const begun = async <T>(exchange: () => Promise<T>) => {
      await silentHead();
      pass(SECOND); // a pod without outcomes asks only for what has been due for longer than its interval
      const reply = exchange();
      await logged(pod, ++requests);
      return { reply };
    };
    return {
      store,
      pod,
      takeOver,
      claims: (over?: ClaimRequestOver) => begun(() => claimed(store, pod, over)),
      settles: (...settlements: readonly Settlement[]) => begun(() => store.exchange({ pod, settlements })),
    };
  }

  /** A pod that serves the others of its group. */
  async function server(over: ClaimRequestOver = {}) {
    const store = await serving();
    const pod = await joined(store);
    return { store, pod, serve: () => serve(store, pod, over), claims: () => claimed(store, pod, over) };
  }

  /** A pod whose exchanges all go through the log. */
  async function combining() {
    const store = await logging();
    return { store, pod: await joined(store) };
  }

  /** A step with two rows, of which the first is held by a pod that another one has served. */
  async function held() {
    const [driver, holder, other] = [await byHand(), await waiting(), await server()];
    for (const row of ['a', 'b']) await put(driver, row);
    const { reply } = await holder.claims();
    expect(await other.serve()).toEqual([]);
    const [claim] = await reply;
    expect(await rows(driver)).toEqual(['a claimed', 'b pending']);
    const settles = async (one: Claim, status: 'completed' | 'failed') => {
      const { reply: settled } = await holder.settles(settlement(one, { status }));
      await other.serve();
      return (await settled).receipts;
    };
    return { driver, holder, other, claim: claim!, settles };
  }

  test('are claimed and settled once', async () => {
    const { driver, holder, other, claim, settles } = await held();
    expect(await settles(claim, 'completed')).toEqual(['settled']);
    expect(await rows(driver)).toEqual(['a completed', 'b pending']);
    for (const { store, pod } of [other, holder]) expect(await claimed(store, pod)).toEqual([]);
    await other.store.prune({ keepMs: 60 * MINUTE });
    expect(await rows(driver)).toEqual(['a completed']);
    const isServing = ({ kind, bindBytes }: Reading) => kind === 'update' && bindBytes > 0;
    expect(bed().meter.report(isServing).statements).toBe(2); // both by the other pod
  });

  test('run once more after a retry', async () => {
    const { driver, holder, other, claim, settles } = await held();
    expect(await settles(claim, 'failed')).toEqual(['settled']);
    expect(await other.store.retry([{ stepId: 'double', version: claim.version + 1 }])).toEqual(['retried']);
    const { reply } = await holder.claims();
    expect(await other.serve()).toEqual([]);
    const [again] = await reply;
    expect(await rows(driver)).toEqual(['a claimed', 'b pending']);
    expect(await settles(again!, 'completed')).toEqual(['settled']);
    expect(await other.claims()).toEqual([]);
    expect(await rows(driver)).toEqual(['a completed', 'b pending']);
  });

  test('are cancelled together before any pod holds one, although the UPDATE that serves does not see it', async () => {
    const [driver, pod, other, client] = [await byHand(), await waiting(), await server(), await serving()];
    for (const row of ['a', 'b']) await put(driver, row);
    const { reply } = await pod.claims();
    const late = lateOn(bed());
    const before = late.now();
    pass(SECOND);
    late.asOf(before);
    expect(await client.cancel('token', [{ stepId: 'double', version: 0 }])).toEqual(['cancelled']);
    expect(await other.serve()).toEqual([]);
    late.off();
    expect(await reply).toEqual([]);
    expect(await rows(driver)).toEqual(['a cancelled', 'b cancelled']);
  });

  test('do not run after the row that was held has been cancelled', async () => {
    const { driver, other, claim, settles } = await held();
    expect(await other.store.cancel('token', [claim])).toEqual(['cancelled']);
    expect(await settles(claim, 'completed')).toEqual(['cancelled']);
    expect(await other.claims()).toEqual([]);
    expect(await rows(driver)).toEqual(['a cancelled', 'b cancelled']);
  });

  test.each(['both UPDATEs', 'the first UPDATE alone'])(
    'are held by one pod at most, if two UPDATEs hand out a row each, and %s can be seen',
    async (shown) => {
      const [driver, one, two] = [await byHand(), await waiting(), await waiting()];
      const [first, second] = [await server(), await server(OTHERS)];
      await put(driver, 'b');
      const [{ reply: ofOne }, { reply: ofTwo }] = [await one.claims(), await two.claims(OTHERS)];
      const late = lateOn(bed());
      const before = late.now();
      pass(SECOND);
      late.asOf(before);
      await put(driver, 'a');
      const between = late.now();
      pass(SECOND);
      late.asOf(between + SECOND / 2);
      await first.serve(); // a, to one
      const served = late.now();
      pass(SECOND);
      late.asOf(before);
      await second.serve(); // b, to two: it sees neither the row a nor its claim
      if (shown === 'the first UPDATE alone') {
        late.asOf(served + SECOND / 2);
        expect(ids(await ofOne)).toEqual(['double']);
      }
      late.off();
      expect(await rows(driver)).toEqual(['a claimed', 'b claimed']);
      expect(await ofTwo).toEqual([]);
      if (shown === 'both UPDATEs') expect(await ofOne).toEqual([]);
      for (const { store, pod, takeOver } of [one, two]) {
        takeOver();
        expect(await claimed(store, pod, { free: 0 })).toEqual([]); // looks
        await store.exchange({ pod, settlements: [] }); // gives back what is void
      }
      const isHeld = shown === 'the first UPDATE alone';
      expect(await rows(driver)).toEqual([isHeld ? 'a claimed' : 'a pending', 'b pending']);
      expect(await first.claims()).toHaveLength(isHeld ? 0 : 1);
    },
  );

  test('are not held through a row that a vain UPDATE of the session has written, beside one that is held', async () => {
    const [driver, pod, other, holder] = [await byHand(), await waiting(), await server(), await server(OTHERS)];
    await put(driver, 'b');
    const { reply } = await pod.claims();
    const late = lateOn(bed());
    const before = late.now();
    pass(SECOND);
    late.asOf(before);
    expect(ids(await holder.claims())).toEqual(['double']);
    await put(driver, 'a');
    // The first UPDATE is refused b. If it wrote a alone, the session would see a, and not that b is held.
    for (let i = 0; i < 2; i++) expect(await other.serve()).toEqual([]);
    // The same, for the session of the pod that asks.
    pod.takeOver();
    expect(await reply).toEqual([]);
    late.off();
    expect(await rows(driver)).toContain('b claimed');
  });

  test(`are run by one pod, whichever pod serves and however late the reads are, SEED=${SEED}`, async () => {
    const [random, driver] = [new Random(SEED), await byHand()];
    const pods = await Promise.all(Array.from({ length: 3 }, () => combining()));
    const late = bed().proxy.lateReads;
    onTestFinished(() => late.off());
    late.between({ mostMs: 2 * SECOND, random: () => random.next() });
    const [running, ended] = [new Map<string, string>(), new Set<string>()];
    const wrong: string[] = [];
    const exchanges = async ({ store, pod }: (typeof pods)[number]) => {
      let held: readonly Claim[] = [];
      while (ended.size < STEPS) {
        const settlements = held.filter(() => random.chance(0.5)).map((claim) => settlement(claim));
        const { claims, receipts } = await store.exchange({ pod, settlements, claim: claimRequest({ free: 3 }) });
        for (const [i, { stepId }] of settlements.entries()) {
          if (receipts[i] !== 'settled') wrong.push(`${stepId} of ${pod.podId}: ${receipts[i]}`);
          running.delete(stepId);
          ended.add(stepId);
        }
        for (const { stepId } of claims) {
          const other = running.get(stepId) ?? (ended.has(stepId) ? 'nobody: it has ended' : undefined);
          if (other !== undefined) wrong.push(`${stepId} of ${pod.podId}, held by ${other}`);
          running.set(stepId, pod.podId);
        }
        held = [...held.filter(({ stepId }) => running.get(stepId) === pod.podId && !ended.has(stepId)), ...claims];
      }
    };
    const inserts = async () => {
      const keys = Array.from({ length: STEPS }, (_, i) => [`${i}a`, `${i}b`]).flat();
      for (const key of keys.sort(() => random.next() - 0.5)) {
        await driver.run(
          `INSERT INTO STEP_TRACKER (step_id, row_id, step_type) SELECT 'step-${parseInt(key)}', '${key}', 'work'`,
        );
        await sleep(random.between(0, 500));
      }
    };
    await Promise.all([inserts(), ...pods.map(exchanges)]);
    expect(wrong).toEqual([]);
    late.off();
    const left = await driver.run(
      `SELECT step_id AS id, COUNT(IFF(status = 'completed', 1, NULL)) AS n FROM STEP_TRACKER GROUP BY step_id HAVING n <> 1`,
    );
    expect(left).toEqual([]);
  });
});

/** Pods with late reads share a backlog, although none of them sees what the others have just claimed. */
import { expect, test } from 'vitest';
import { systemRuntime } from '../../../src/runtime/runtime.js';
import { newSteps } from '../../conformance/harness.js';
import { Random } from '../../chaos/random.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { lateOn } from './support/late-reads.js';
import { claimed, joined, useStores } from './support/stores.js';

const SEED = Number(process.env['SEED'] ?? 7);
const ROUNDS = 8;
const SLOTS = 10;

describeOnTestBed('two pods on a backlog', { timeout: 120_000 }, () => {
  const { bed, open, pass } = useStores();

  test(`each claim a fair share of it, although neither sees what the other has claimed (SEED=${SEED})`, async () => {
    const random = new Random(SEED);
    const runtime = { ...systemRuntime, random: () => random.next() };
    const stores = [await open({}, undefined, runtime), await open({}, undefined, runtime)];
    const pods = await Promise.all(stores.map(joined));
    await stores[0]!.submit(newSteps(200));
    pass(10_000);
    const late = lateOn(bed());
    late.asOf(late.now()); // eight rounds in 4 s, read 5 s late: no pod sees a claim of the other
    const got: number[][] = [[], []];
    for (let round = 0; round < ROUNDS; round++)
      for (const [i, store] of stores.entries()) got[i]!.push((await claimed(store, pods[i]!, { free: SLOTS })).length);
    const [one, other] = got.map((each) => each.reduce((a, b) => a + b, 0));
    expect(Math.min(one!, other!), JSON.stringify(got)).toBeGreaterThanOrEqual((ROUNDS * SLOTS) / 3);
  });
});

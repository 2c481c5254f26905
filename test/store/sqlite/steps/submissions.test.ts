/** A promise of SQLite beyond the contract: of several concurrent submissions of a step, exactly one returns `created`. */
import { expect, test } from 'vitest';
import { newSteps } from '../../../conformance/harness.js';
import { newFile, newStore } from '../support/files.js';

test('returns created once for each step that several stores submit at the same time, and duplicate to the others', async () => {
  const path = newFile();
  const stores = await Promise.all([1, 2, 3, 4].map(() => newStore({ path })));
  const steps = newSteps(100);
  const receipts = await Promise.all(stores.map((store) => store.submit(steps)));
  steps.forEach((_, i) => {
    const got = receipts.map((each) => each[i]).sort();
    expect(got).toEqual(['created', 'duplicate', 'duplicate', 'duplicate']);
  });
});

/** SQLite's promise beyond the contract's: of several who submit one step at once exactly one is told that it is new. */
import { expect, test } from 'vitest';
import { newSteps } from '../../../conformance/harness.js';
import { newFile, newStore } from '../support/files.js';

test('of several who submit the same steps at once, one is told created of each, and the others duplicate', async () => {
  const path = newFile();
  const stores = await Promise.all([1, 2, 3, 4].map(() => newStore({ path })));
  const steps = newSteps(100);
  const receipts = await Promise.all(stores.map((store) => store.submit(steps)));
  steps.forEach((_, i) => {
    const told = receipts.map((each) => each[i]).sort();
    expect(told).toEqual(['created', 'duplicate', 'duplicate', 'duplicate']);
  });
});

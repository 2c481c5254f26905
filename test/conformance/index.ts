/**
 * The store contract suite: what every store must do, checked through `src/store/contract.ts` alone.
 *
 * A store's test file says how to open one, and no more. Each test is named by the promise that it keeps.
 */
import { afterEach, beforeEach, describe } from 'vitest';
import { cancelling } from './cancelling.js';
import { claiming } from './claiming.js';
import { clocks } from './clocks.js';
import { closing } from './closing.js';
import { crowding } from './crowding.js';
import { ending } from './ending.js';
import { exactness } from './exactness.js';
import { fencing } from './fencing.js';
import { Harness, type OpenedStore, type OpenStore } from './harness.js';
import { lateness } from './lateness.js';
import { listing } from './listing.js';
import { membership } from './membership.js';
import { orphaning } from './orphaning.js';
import { poison } from './poison.js';
import { pruning } from './pruning.js';
import { retryingByHand } from './retrying-by-hand.js';
import { settling } from './settling.js';
import { submitting } from './submitting.js';
import { telling } from './telling.js';

export type { OpenedStore, OpenStore } from './harness.js';

/** Runs the suite against the store that `open` opens, anew for each test. */
export function describeStore(name: string, open: OpenStore): void {
  describe(name, () => {
    let opened: OpenedStore | undefined;
    beforeEach(async () => {
      opened = await open();
    });
    afterEach(async () => {
      await opened?.close();
      opened = undefined;
    });
    const harness = new Harness(() => {
      if (opened === undefined) throw new Error('the store is not open');
      return opened;
    });

    describe('submit', () => submitting(harness));
    describe('claim', () => claiming(harness));
    describe('settle', () => settling(harness));
    describe('fence', () => fencing(harness));
    describe('what lands late or twice', () => lateness(harness));
    describe('poison', () => poison(harness));
    describe('cancel', () => cancelling(harness));
    describe('retry by hand', () => retryingByHand(harness));
    describe('list and stats', () => listing(harness));
    describe('prune', () => pruning(harness));
    describe('membership', () => membership(harness));
    describe('orphans and evict', () => orphaning(harness));
    describe('clocks', () => clocks(harness));
    describe('a crowd', () => crowding(harness));
    describe('exactness', () => exactness(harness));
    describe('ends and cancellations', () => ending(harness));
    describe('pulse and watch', () => telling(harness));
    describe('open and close', () => closing(harness));
  });
}

/**
 * The conformance suite: checks that a store keeps the contract of `src/store/contract.ts`, and uses nothing else of it.
 *
 * A new store needs one test file that calls `describeStore` with a function that opens it.
 */
import { afterEach, beforeEach, describe } from 'vitest';
import { cancelling } from './cancelling.js';
import { claiming } from './claiming.js';
import { clocks } from './clocks.js';
import { openAndClose } from './open-and-close.js';
import { concurrency } from './concurrency.js';
import { diagnosing } from './diagnosing.js';
import { endedAndCancelled } from './ended-and-cancelled.js';
import { exactTexts } from './exact-texts.js';
import { fencing } from './fencing.js';
import { Harness, type OpenedStore, type OpenStore } from './harness.js';
import { lateAndRepeatedCalls } from './late-and-repeated-calls.js';
import { listAndStats } from './list-and-stats.js';
import { membership } from './membership.js';
import { orphansAndEviction } from './orphans-and-eviction.js';
import { suspects } from './suspects.js';
import { pruning } from './pruning.js';
import { retrying } from './retrying.js';
import { settling } from './settling.js';
import { submitting } from './submitting.js';
import { pulseAndWatch } from './pulse-and-watch.js';

export type { OpenedStore, OpenStore } from './harness.js';

/** Runs the suite. @param open opens a store on fresh data; called for each test */
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
    describe('late and repeated calls', () => lateAndRepeatedCalls(harness));
    describe('suspects', () => suspects(harness));
    describe('cancel', () => cancelling(harness));
    describe('retry', () => retrying(harness));
    describe('list and stats', () => listAndStats(harness));
    describe('prune', () => pruning(harness));
    describe('membership', () => membership(harness));
    describe('orphans and eviction', () => orphansAndEviction(harness));
    describe('clocks', () => clocks(harness));
    describe('concurrency', () => concurrency(harness));
    describe('exact texts', () => exactTexts(harness));
    describe('ended and cancelled steps', () => endedAndCancelled(harness));
    describe('diagnose', () => diagnosing(harness));
    describe('pulse and watch', () => pulseAndWatch(harness));
    describe('open and close', () => openAndClose(harness));
  });
}

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
import { sleeping } from './sleeping.js';
import { submitting } from './submitting.js';
import { pulseAndWatch } from './pulse-and-watch.js';

export type { OpenedStore, OpenStore } from './harness.js';

const GROUPS = {
  submit: submitting,
  claim: claiming,
  settle: settling,
  fence: fencing,
  'late and repeated calls': lateAndRepeatedCalls,
  suspects,
  cancel: cancelling,
  retry: retrying,
  'list and stats': listAndStats,
  prune: pruning,
  membership,
  'orphans and eviction': orphansAndEviction,
  clocks,
  concurrency,
  'exact texts': exactTexts,
  'ended and cancelled steps': endedAndCancelled,
  diagnose: diagnosing,
  'pulse and watch': pulseAndWatch,
  sleep: sleeping,
  'open and close': openAndClose,
} satisfies Record<string, (harness: Harness) => void>;

export type Group = keyof typeof GROUPS;

/**
 * Runs the suite.
 *
 * @param open opens a store on fresh data; called for each test
 * @param groups which of its groups. Default: all
 */
export function describeStore(
  name: string,
  open: OpenStore,
  groups: readonly Group[] = Object.keys(GROUPS) as Group[],
): void {
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

    for (const group of groups) describe(group, () => GROUPS[group](harness));
  });
}

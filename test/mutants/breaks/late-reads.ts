/** Deliberate breaks of the pool, the fleet and the Snowflake store, where they handle late reads. */
import type { Break } from '../break.js';

const RECONCILIATION = 'test/pool/claims/claim-comparison.test.ts';
const FLEET = 'test/fleet/late-reads.test.ts';
const BY_HAND = 'test/store/snowflake/cancel-and-retry.test.ts';

export const lateReadBreaks: readonly Break[] = [
  {
    name: 'pool/exchange/heartbeat-reconciler: a claim that was taken after the heartbeat was sent is compared',
    file: 'src/pool/exchange/heartbeat-reconciler.ts',
    find: 'compare(snapshot, inStore, known)',
    replace: 'compare({ ...snapshot, claims: claims.withoutOutcome() }, inStore, known)',
    tests: ['test/pool/exchange/heartbeat-reconciler.test.ts'],
  },
  {
    name: 'pool/claims/claim-comparison: a late view makes a young claim lost',
    file: 'src/pool/claims/claim-comparison.ts',
    find: 'snapshot.takenAt - claimedAt >= this.#staleReadMs',
    replace: 'snapshot.takenAt - claimedAt >= 0',
    tests: [RECONCILIATION],
  },
  {
    name: 'pool/claims/claim-comparison: the age of a claim is measured when the reply arrives',
    file: 'src/pool/claims/claim-comparison.ts',
    find: 'snapshot.takenAt - claimedAt >= this.#staleReadMs',
    replace: 'known.now - claimedAt >= this.#staleReadMs',
    tests: [RECONCILIATION],
  },
  {
    name: 'pool/claims/claim-comparison: a claim that a late view still shows is given back',
    file: 'src/pool/claims/claim-comparison.ts',
    find: 'return since !== undefined && snapshot.takenAt - since >= this.#staleReadMs;',
    replace: 'return since !== undefined;',
    tests: [RECONCILIATION],
  },
  {
    name: 'pool/claims/claim-comparison: an unknown claim starts again with each heartbeat',
    file: 'src/pool/claims/claim-comparison.ts',
    find: 'before.get(fenceKey(fence)) ?? known.now',
    replace: 'known.now',
    tests: [RECONCILIATION],
  },
  {
    name: 'pool/exchange/heartbeat-reconciler: a cancellation from before the claim aborts it',
    file: 'src/pool/exchange/heartbeat-reconciler.ts',
    find: '({ claimedAt }) => claimedAt <= askedAt - agoMs',
    replace: '() => true',
    tests: [RECONCILIATION],
  },
  {
    name: 'pool/exchange/heartbeat-reconciler: the cancellation of an unseen claim is not checked',
    file: 'src/pool/exchange/heartbeat-reconciler.ts',
    find: 'if (unseen.length > 0) void this.#cancelSinceClaimed(unseen);',
    replace: '',
    tests: [RECONCILIATION],
  },
  {
    name: 'fleet/registration: peers do not wait longer for a pod whose heartbeats they see late',
    file: 'src/fleet/registration.ts',
    find: 'deadAfterMs: deadAfterMs + staleReadMs',
    replace: 'deadAfterMs',
    tests: [FLEET],
  },
  {
    name: 'fleet/registration: a view from before the registration evicts',
    file: 'src/fleet/registration.ts',
    find: 'sentAt - this.#registeredAt >= this.#deps.store.staleReadMs',
    replace: 'sentAt >= this.#registeredAt',
    tests: [FLEET],
  },
  {
    name: 'fleet/supersession: an older incarnation is reported with every view',
    file: 'src/fleet/supersession.ts',
    find: 'for (const incarnation of fresh) this.#reported.add(incarnation);',
    replace: '',
    tests: [FLEET],
  },
  {
    name: 'fleet/recovery-cycle: a page of orphans that were settled ends the cycle',
    file: 'src/fleet/recovery-cycle.ts',
    find: 'if (page.length > 0 || orphans.length < limit || ',
    replace: 'if (orphans.length <= limit || ',
    tests: [FLEET],
  },
  {
    name: 'snowflake/change-receipts: a late terminal state ends a cancel',
    file: 'src/store/snowflake/steps/change-receipts.ts',
    find: "if (at < step.version) return 'changed'; // a late read",
    replace: '',
    tests: [BY_HAND],
  },
  {
    name: 'snowflake/change-receipts: an open step that moved counts as terminal',
    file: 'src/store/snowflake/steps/change-receipts.ts',
    find: 'return at === step.version && !isOpen(row)',
    replace: 'return at === step.version',
    tests: [BY_HAND],
  },
  {
    name: 'snowflake/change-receipts: a failed step that moved counts as not retryable',
    file: 'src/store/snowflake/steps/change-receipts.ts',
    find: "if (isRetryable(row)) return 'changed';",
    replace: '',
    tests: [BY_HAND],
  },
  {
    name: 'snowflake/change-receipts: a step that has failed once more counts as retried',
    file: 'src/store/snowflake/steps/change-receipts.ts',
    find: "if (isRetryable(row)) return 'changed';",
    replace: "if (isRetryable(row) && !hasMoved(rows, step)) return 'changed';",
    tests: [BY_HAND],
  },
  {
    name: 'snowflake/change-receipts: a late read of a retry by another caller counts as this one',
    file: 'src/store/snowflake/steps/change-receipts.ts',
    find: 'return areSeveral(rows) || hasMoved(rows, step) || isRetryable(row) ||',
    replace: 'return areSeveral(rows) || isRetryable(row) ||',
    tests: [BY_HAND],
  },
  {
    name: 'snowflake/step-changes: a retry ignores the rows that its own write has changed',
    file: 'src/store/snowflake/steps/step-changes.ts',
    find: "if (isAlone && retried > 0) return ['retried'];",
    replace: 'void retried;',
    tests: [BY_HAND],
  },
  {
    name: 'snowflake/step-changes: a retry ignores a step that it has restored from the archive',
    file: 'src/store/snowflake/steps/step-changes.ts',
    find: "if (isAlone && restored > 0) return ['retried'];",
    replace: 'void restored;',
    tests: [BY_HAND],
  },
  {
    name: 'snowflake/step-changes: the result of one retried step counts for all of them',
    file: 'src/store/snowflake/steps/step-changes.ts',
    find: 'const isAlone = steps.length === 1;',
    replace: 'const isAlone = steps.length >= 1;',
    tests: [BY_HAND],
  },
  {
    name: 'snowflake/change-receipts: a late read of a terminal state that was retried since ends a cancel',
    file: 'src/store/snowflake/steps/change-receipts.ts',
    find: 'return at < version || isRetryable(row) ||',
    replace: 'return at < version ||',
    tests: [BY_HAND],
  },
];

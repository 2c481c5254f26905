/** What an orphaned claim is charged with. */
import { expect, it } from 'vitest';
import { decideOrphans } from '../../src/fleet/decide-orphans.js';
import { claimTokenOf } from '../../src/step/crash-suspect.js';
import type { Orphan } from '../../src/store/contract.js';
import { claimOf } from '../pool/support/rig.js';

function orphan(incarnation: string, alone: boolean, reason: Orphan['reason'] = 'evicted'): Orphan {
  const claimToken = claimTokenOf('01234567-0123-7123-8123-0123456789ab', alone);
  return { ...claimOf('s1', 'work'), claimToken, holder: { podId: 'pod', incarnation }, reason };
}

const outcomesOf = (page: readonly Orphan[]) => decideOrphans(page).map(({ outcome }) => outcome);
const alone = (page: readonly Orphan[]) => outcomesOf(page).map((outcome) => outcome.alone);

it('charges only an eviction', () => {
  const page = (['evicted', 'left', 'asleep', 'unknown'] as const).map((reason, i) =>
    orphan(`life-${i}`, true, reason),
  );
  expect(outcomesOf(page).map(({ evicted }) => evicted)).toEqual([true, false, false, false]);
  expect(alone(page)).toEqual([true, false, false, false]);
});

it('counts a claim as alone if its token says so, and its incarnation holds no other', () => {
  expect(alone([orphan('life-1', true)])).toEqual([true]);
  expect(alone([orphan('life-1', false)])).toEqual([false]);
  expect(alone([orphan('life-1', true), orphan('life-1', false)])).toEqual([false, false]);
  expect(alone([orphan('life-1', true), orphan('life-2', true)])).toEqual([true, true]); // two incarnations of one pod
});

/** The rules of the checker: all of them, in the order in which they report. */
import type { Rule } from './rule.js';
import {
  deathsAreTrue,
  eventsInOrder,
  noClaimOverlooked,
  noEventMissing,
  unknownClaimsRest,
} from './rules/announcements.js';
import {
  answersAreTrue,
  callsAreAnswered,
  cancelsHold,
  commandsAreDone,
  keysAreOne,
  misuseIsRefused,
} from './rules/answers.js';
import { allAreWell, everythingDrains, noTimerIsLeft, nothingStarves, oneLeads } from './rules/calm.js';
import {
  countsRise,
  crashesForDeaths,
  crashesWithinBounds,
  retriesForFailures,
  retriesWithinBounds,
} from './rules/charges.js';
import { acknowledgedIsStored, endsOnce, nothingVanishes, recordIsWhole } from './rules/exactly-once.js';
import {
  evictionsAreChecked,
  fenceBeforeEviction,
  justEvictions,
  membersClaim,
  noRevival,
  outagesEvictNobody,
  supersededStaysOut,
} from './rules/membership.js';
import { claimsInOrder, onlyDueIsClaimed, retriedIsDue } from './rules/order.js';
import {
  cancelsHaveReceipts,
  claimsHaveEvents,
  eventsHaveReceipts,
  lostIsLost,
  submittedIsTrue,
} from './rules/receipts.js';
import { claimFields, identityStays, noLostUpdate, stateMachine, versionRises } from './rules/rows.js';
import {
  fencedStartsNothing,
  firstRowRuns,
  runsForAClaim,
  runsWhatItHolds,
  sleeperStartsNothing,
  slotsHold,
} from './rules/runs.js';
import { sleeperGetsNothing, sleepersWake } from './rules/sleep.js';
import { leavesLast, stoppingStartsNothing } from './rules/stopping.js';
import { askedByHand, endsAfterItsRun, onlyTheHolderSettles } from './rules/settlements.js';

interface RuleGroup {
  readonly title: string;
  readonly rules: readonly Rule[];
}

/** As the documentation lists them. */
export const RULE_GROUPS: readonly RuleGroup[] = [
  {
    title: 'Nothing is lost, and nothing ends twice',
    rules: [acknowledgedIsStored, endsOnce, nothingVanishes, recordIsWhole],
  },
  {
    title: 'Rows',
    rules: [noLostUpdate, stateMachine, versionRises, identityStays, claimFields],
  },
  {
    title: 'Who ends a claim, and what is charged',
    rules: [
      ...[onlyTheHolderSettles, endsAfterItsRun, askedByHand],
      ...[countsRise, retriesWithinBounds, retriesForFailures, crashesForDeaths, crashesWithinBounds],
    ],
  },
  {
    title: 'Who claims, and what runs',
    rules: [
      ...[membersClaim, onlyDueIsClaimed, retriedIsDue, claimsInOrder],
      ...[
        runsForAClaim,
        runsWhatItHolds,
        fencedStartsNothing,
        sleeperStartsNothing,
        sleeperGetsNothing,
        sleepersWake,
        stoppingStartsNothing,
        leavesLast,
        slotsHold,
        firstRowRuns,
      ],
    ],
  },
  {
    title: 'Members of the fleet',
    rules: [
      ...[noRevival, justEvictions, outagesEvictNobody, evictionsAreChecked],
      ...[fenceBeforeEviction, supersededStaysOut],
    ],
  },
  {
    title: 'Events and answers',
    rules: [
      ...[eventsHaveReceipts, cancelsHaveReceipts, lostIsLost, claimsHaveEvents, submittedIsTrue],
      ...[noEventMissing, noClaimOverlooked, unknownClaimsRest, eventsInOrder, deathsAreTrue],
      ...[answersAreTrue, commandsAreDone, cancelsHold, keysAreOne, misuseIsRefused, callsAreAnswered],
    ],
  },
  {
    title: 'When the last fault is over',
    rules: [nothingStarves, everythingDrains, oneLeads, allAreWell, noTimerIsLeft],
  },
];

export const RULES: readonly Rule[] = RULE_GROUPS.flatMap(({ rules }) => rules);

/** The rules of the checker: all of them, in the order in which they report. */
import type { Rule } from './rule.js';
import { deathsAreTrue, eventsInOrder, noEventMissing } from './rules/announcements.js';
import { answersAreTrue, callsAreAnswered, commandsAreDone, keysAreOne, misuseIsRefused } from './rules/answers.js';
import { allAreWell, everythingDrains, noTimerIsLeft, nothingStarves, oneLeads } from './rules/calm.js';
import {
  countsRise,
  crashesForDeaths,
  crashesWithinBounds,
  retriesForFailures,
  retriesWithinBounds,
} from './rules/charges.js';
import { acknowledgedIsStored, endsOnce, nothingVanishes, recordIsWhole } from './rules/exactly-once.js';
import { fenceBeforeEviction, justEvictions, membersClaim, noRevival, supersededStaysOut } from './rules/membership.js';
import { claimsInOrder, onlyDueIsClaimed } from './rules/order.js';
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
import { askedByHand, endsAfterItsRun, onlyTheHolderSettles } from './rules/settlements.js';

export const RULES: readonly Rule[] = [
  // what the store holds
  ...[acknowledgedIsStored, endsOnce, nothingVanishes, recordIsWhole],
  ...[noLostUpdate, stateMachine, versionRises, identityStays, claimFields],
  // who ends a claim, and what is charged
  ...[onlyTheHolderSettles, endsAfterItsRun, askedByHand],
  ...[countsRise, retriesWithinBounds, retriesForFailures, crashesForDeaths, crashesWithinBounds],
  // who claims, and what runs
  ...[membersClaim, onlyDueIsClaimed, claimsInOrder],
  ...[runsForAClaim, runsWhatItHolds, fencedStartsNothing, sleeperStartsNothing, slotsHold, firstRowRuns],
  // who is evicted
  ...[noRevival, justEvictions, fenceBeforeEviction, supersededStaysOut],
  // what is announced and answered
  ...[eventsHaveReceipts, cancelsHaveReceipts, lostIsLost, claimsHaveEvents, submittedIsTrue],
  ...[noEventMissing, eventsInOrder, deathsAreTrue],
  ...[answersAreTrue, commandsAreDone, keysAreOne, misuseIsRefused, callsAreAnswered],
  // the calm
  ...[nothingStarves, everythingDrains, oneLeads, allAreWell, noTimerIsLeft],
];

/** All measurements, in the order in which they run: those first that decide whether the account can be used at all. */
import type { Measurement } from '../measurement.js';
import { changeToken, noWarehouse, pollCost } from './change-token.js';
import { columnDefaults, notNull } from './columns.js';
import { createAtOnce } from './create-at-once.js';
import { compileTime, rangeJoin } from './exchange-time.js';
import { lateTarget } from './late-target.js';
import { lockTimeout } from './lock-timeout.js';
import { insertWaiters, updateWaiters } from './lock-waiters.js';
import { lostUpdates } from './lost-updates.js';
import { noResume } from './no-resume.js';
import { slotTime, statementsAtOnce, waitingUpdateSlot } from './slots.js';
import { maxBy, withInDelete, withInUpdate } from './statement-shapes.js';
import { visibility } from './visibility.js';

export const MEASUREMENTS: readonly Measurement[] = [
  ...[lostUpdates, lateTarget],
  ...[lockTimeout, withInUpdate, withInDelete, maxBy, notNull, columnDefaults],
  ...[visibility, changeToken, noWarehouse, pollCost],
  ...[slotTime, compileTime, rangeJoin],
  ...[statementsAtOnce, waitingUpdateSlot, updateWaiters, insertWaiters, createAtOnce],
  // Last, because the warehouse is suspended after it.
  noResume,
];

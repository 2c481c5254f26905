/**
 * Plans of a few seeds, each made for one kind of disaster that a mix has too rarely.
 *
 * Invariants: a seed that has no theme is not touched: what decides here is drawn from a seeded random of its own.
 */
import { archivePlan } from './archive-plan.js';
import { commandsPlan } from './commands-plan.js';
import { deadHeadPlan } from './dead-head-plan.js';
import { frozenPlan } from './frozen-plan.js';
import { largePodPlan } from './large-pod-plan.js';
import { lockedPlan } from './locked-plan.js';
import { loggedSleepPlan } from './logged-sleep-plan.js';
import { manyTypesPlan } from './many-types-plan.js';
import { matesPlan } from './mates-plan.js';
import { nearlyDeadPlan } from './nearly-dead-plan.js';
import { oddPlan } from './odd-plan.js';
import type { Action, Plan, WorldName } from './plan.js';
import { previewPlan } from './preview-plan.js';
import { retentionPlan } from './retention-plan.js';
import { seededRandom } from './seeded-random.js';
import { smallWarehousePlan } from './small-warehouse-plan.js';
import { slotDeadlockPlan } from './slot-deadlock-plan.js';
import { sqlPlan } from './sql-plan.js';
import { stallingPlan } from './stalling-plan.js';
import type { Theme } from './theme.js';
import { twoRowsPlan } from './two-rows-plan.js';
import { wallClockPlan } from './wall-clock-plan.js';

/** Themes that are drawn together: one that joins a group changes the plans of that group's seeds, and of no others. */
interface Group {
  /** Of the seeds. */
  readonly share: number;
  /** Parts the randomness of the group from that of other plans. */
  readonly apart: number;
  readonly themes: readonly Theme[];
}

/** From the last disaster to the calm. */
const REST_MS = 500;

const GROUPS: Readonly<Record<WorldName, readonly Group[]>> = {
  sqlite: [
    { share: 0.03, apart: 0x74686d65, themes: [frozenPlan, nearlyDeadPlan] },
    {
      share: 0.02,
      apart: 0x72615600, // with it the first 400 seeds have each of these themes
      themes: [
        ...[lockedPlan, manyTypesPlan, matesPlan, oddPlan, previewPlan],
        ...[retentionPlan, slotDeadlockPlan, sqlPlan, stallingPlan, wallClockPlan],
      ],
    },
  ],
  warehouse: [
    {
      share: 0.06,
      apart: 0x74686d65,
      themes: [frozenPlan, nearlyDeadPlan, loggedSleepPlan, deadHeadPlan, twoRowsPlan],
    },
    { share: 0.012, apart: 0x6461776e, themes: [archivePlan, commandsPlan, largePodPlan, smallWarehousePlan] },
  ],
};

/** The plan of a seed that has a theme; `undefined`: it has none. */
export function themedPlan(world: WorldName, seed: number): Plan | undefined {
  for (const { share, apart, themes } of GROUPS[world]) {
    const random = seededRandom(seed ^ apart);
    if (!random.chance(share)) continue;
    const { actions, ...rest } = random.pick(themes)(world, random);
    const ordered = actions.toSorted((a, b) => a.at - b.at);
    return { seed, world, ...rest, actions: ordered, calmAt: Math.max(...ordered.map(endOf)) + REST_MS };
  }
  return undefined;
}

function endOf(action: Action): number {
  return action.at + ('forMs' in action ? action.forMs : 0);
}

/**
 * Plans of a few seeds, each made for one kind of disaster that a mix has too rarely.
 *
 * Invariants: a seed that has no theme is not touched: what decides here is drawn from a seeded random of its own.
 */
import { deadHeadPlan } from './dead-head-plan.js';
import { frozenPlan } from './frozen-plan.js';
import { loggedSleepPlan } from './logged-sleep-plan.js';
import { nearlyDeadPlan } from './nearly-dead-plan.js';
import type { Action, Plan, WorldName } from './plan.js';
import { seededRandom } from './seeded-random.js';
import type { Theme } from './theme.js';
import { twoRowsPlan } from './two-rows-plan.js';

/** Of the seeds. */
const SHARES: Readonly<Record<WorldName, number>> = { sqlite: 0.03, warehouse: 0.06 };
/** Parts the randomness of themes from that of other plans. */
const APART = 0x74686d65;
/** From the last disaster to the calm. */
const REST_MS = 500;

const THEMES: Readonly<Record<WorldName, readonly Theme[]>> = {
  sqlite: [frozenPlan, nearlyDeadPlan],
  warehouse: [frozenPlan, nearlyDeadPlan, loggedSleepPlan, deadHeadPlan, twoRowsPlan],
};

/** The plan of a seed that has a theme; `undefined`: it has none. */
export function themedPlan(world: WorldName, seed: number): Plan | undefined {
  const random = seededRandom(seed ^ APART);
  if (!random.chance(SHARES[world])) return undefined;
  const theme = random.pick(THEMES[world]);
  const { actions, ...rest } = theme(world, random);
  const ordered = actions.toSorted((a, b) => a.at - b.at);
  return { seed, world, ...rest, actions: ordered, calmAt: Math.max(...ordered.map(endOf)) + REST_MS };
}

function endOf(action: Action): number {
  return action.at + ('forMs' in action ? action.forMs : 0);
}

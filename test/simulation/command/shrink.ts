/**
 * Makes a plan that breaks a rule smaller, as long as the same rule breaks.
 *
 * Invariants:
 * - The result breaks the rule. Without any success it is the plan itself.
 * - It tries at most `tries` plans. A plan on which the simulation itself fails counts as one that keeps the rule.
 */
import type { Action, Plan } from '../plan/plan.js';

export interface Shrunk {
  readonly plan: Plan;
  readonly tries: number;
}

export async function shrink(plan: Plan, breaks: (plan: Plan) => Promise<boolean>, mostTries = 400): Promise<Shrunk> {
  const search = new Search(plan, breaks, mostTries);
  for (let before = -1; before !== search.successes && !search.isOver;) {
    before = search.successes;
    await withoutActions(search);
    await withoutPods(search);
    await withSmallerActions(search);
    await withoutHazards(search);
  }
  return { plan: search.plan, tries: search.tries };
}

class Search {
  plan: Plan;
  tries = 0;
  successes = 0;
  readonly #breaks: (plan: Plan) => Promise<boolean>;
  readonly #mostTries: number;

  constructor(plan: Plan, breaks: (plan: Plan) => Promise<boolean>, mostTries: number) {
    this.plan = plan;
    this.#breaks = breaks;
    this.#mostTries = mostTries;
  }

  get isOver(): boolean {
    return this.tries >= this.#mostTries;
  }

  /** Goes on with this plan if it breaks the rule. */
  async take(change: Partial<Plan>): Promise<boolean> {
    if (this.isOver) return false;
    this.tries += 1;
    const plan = { ...this.plan, ...change };
    if (!(await this.#breaks(plan))) return false;
    this.plan = plan;
    this.successes += 1;
    return true;
  }
}

/** Delta debugging (Zeller, 1999): leaves out runs of actions, long ones first. */
async function withoutActions(search: Search): Promise<void> {
  for (let length = search.plan.actions.length; length >= 1; length = Math.floor(length / 2)) {
    for (let from = 0; from < search.plan.actions.length && !search.isOver;) {
      const actions = search.plan.actions.toSpliced(from, length);
      if (!(await search.take({ actions }))) from += length;
    }
  }
}

async function withoutPods(search: Search): Promise<void> {
  for (let index = search.plan.pods.length - 1; index >= 0 && search.plan.pods.length > 1; index -= 1)
    await search.take({ pods: search.plan.pods.toSpliced(index, 1) });
}

/** Fewer steps, shorter faults, and an earlier end. */
async function withSmallerActions(search: Search): Promise<void> {
  for (let index = 0; index < search.plan.actions.length && !search.isOver; index += 1) {
    for (const smaller of SMALLER) {
      for (let goesOn = true; goesOn && !search.isOver;) {
        const action = search.plan.actions[index];
        const less = action && smaller(action);
        goesOn = less !== undefined && (await search.take({ actions: search.plan.actions.with(index, less) }));
      }
    }
  }
  const last = Math.max(0, ...search.plan.actions.map(({ at }) => at));
  while (!search.isOver) {
    const calmAt = Math.round((search.plan.calmAt + last) / 2);
    if (search.plan.calmAt - calmAt < 1_000 || !(await search.take({ calmAt }))) return;
  }
}

/** Each gives a smaller action, or nothing if it is as small as can be. */
const SMALLER: readonly ((action: Action) => Action | undefined)[] = [
  (action) =>
    action.do === 'submit' && action.count > 1 ? { ...action, count: Math.floor(action.count / 2) } : undefined,
  (action) => (action.do === 'submit' && action.delayMs > 0 ? { ...action, delayMs: 0 } : undefined),
  (action) => (action.do === 'submit' && action.priority !== 0 ? { ...action, priority: 0 } : undefined),
  (action) =>
    'forMs' in action && action.forMs >= 2_000 ? { ...action, forMs: Math.round(action.forMs / 2) } : undefined,
];

async function withoutHazards(search: Search): Promise<void> {
  for (const [name, value] of Object.entries(search.plan.hazards) as [string, number | boolean][]) {
    const none = typeof value === 'boolean' ? false : 0;
    if (value !== none) await search.take({ hazards: { ...search.plan.hazards, [name]: none } });
  }
}

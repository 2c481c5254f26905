/** What the plans have in common that are made for one kind of disaster. */
import type { Action, Plan, WorldName } from './plan.js';
import type { Random } from './seeded-random.js';

/** Makes the parts of a plan that matter to its disaster. */
export type Theme = (
  world: WorldName,
  random: Random,
) => Pick<Plan, 'pods' | 'hazards' | 'actions'> & Partial<Pick<Plan, 'habits'>>;

export const EVERY_TYPE = ['plain', 'single', 'timed', 'checked'] as const;

type Submission = Extract<Action, { readonly do: 'submit' }>;

/** Plain steps that are due at once. */
export function work(
  at: number,
  given: Pick<Submission, 'count'> & Partial<Omit<Submission, 'at' | 'do' | 'count'>>,
): Action {
  const usual = { type: 'plain', priority: 0, delayMs: 0, maxRetries: 3 } as const;
  return { at, do: 'submit', ...usual, behaviour: { does: 'returns', forMs: 50 }, ...given };
}

/**
 * For how long handlers of a plan keep their slots because they wait for steps that need these slots: nothing is wrong with the fleet
 * then, but a step behind them in the line waits as long.
 *
 * Invariants: a plan without handlers that wait has none.
 */
import type { Action, Plan } from './plan.js';

/** How long a handler waits for a step at most: longer than a pod needs to see that all of its slots wait. */
export const WAITS_MS = 24_000;

type Submission = Extract<Action, { readonly do: 'submit' }>;

/**
 * How long all handlers of a plan wait for steps of their own, if one slot runs them one after the other.
 *
 * They may not be retried, so each waits once; twice, if another step kills its pod meanwhile: then it is a suspect, and runs alone.
 */
export function patienceMs({ actions }: Plan): number {
  const submissions = actions.filter((action) => action.do === 'submit');
  const waiting = submissions.filter(waits);
  const again = waiting.some(isNewEachTime) ? actions.filter((action) => action.do === 'resubmit').length : 0;
  const steps = waiting.reduce((sum, submission) => sum + stepsOf(submission), again);
  const runs = submissions.some(({ behaviour }) => behaviour.does.startsWith('kills')) ? 2 : 1;
  return steps * runs * WAITS_MS;
}

/** The type `timed` ends its handlers sooner. */
function waits({ behaviour, type }: Submission): boolean {
  return behaviour.does === 'waits for another' && type !== 'timed';
}

/** Whether the same steps submitted again are further steps. */
function isNewEachTime({ form }: Submission): boolean {
  return form === 'without ids';
}

function stepsOf(submission: Submission): number {
  return submission.count * (submission.keyed === true && isNewEachTime(submission) ? 2 : 1);
}

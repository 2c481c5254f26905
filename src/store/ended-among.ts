/** Sorts awaited steps by what a store has found of them. */
import { isTerminal } from '../step/step.js';
import type { EndedReply, StepRecord } from './contract.js';

/** The awaited steps that have ended, and those that were not found. */
export function endedAmong(
  stepIds: readonly string[],
  found: readonly StepRecord[],
): Pick<EndedReply, 'steps' | 'gone'> {
  const known = new Set(found.map(({ stepId }) => stepId));
  return {
    steps: found.filter(({ status }) => isTerminal(status)),
    gone: stepIds.filter((stepId) => !known.has(stepId)),
  };
}

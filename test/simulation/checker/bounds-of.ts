/** What the world of a plan permits. */
import type { Action, Plan } from '../plan/plan.js';
import { DEFAULT_BOUNDS, type Bounds } from './bounds.js';

export function boundsOf({ world, hazards, pods, actions }: Plan): Bounds {
  const deadAfterMs = Math.max(...pods.map((pod) => pod.deadAfterMs));
  const clockSlackMs = 5 + sum(actions.map(clockError));
  const common = { ...DEFAULT_BOUNDS, faultEchoMs: 2 * deadAfterMs, clockSlackMs };
  if (world === 'sqlite') return common;
  return { ...common, twoRows: true, exactOrder: false, latenessMs: hazards.lateReadMs, clockSlackMs: 1_000 };
}

/**
 * By how much an action may part the monotonic clocks of machines. On SQLite they are one host's in truth, and the store's clock is made
 * of them.
 */
function clockError(action: Action): number {
  if (action.do === 'suspend' || (action.do === 'freeze' && action.monotonic === 'stops')) return action.forMs;
  return action.do === 'drift' ? 5 * Math.abs(action.perMille) : 0;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

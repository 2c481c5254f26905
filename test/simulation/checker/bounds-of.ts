/** What the world of a plan permits. */
import type { Plan } from '../plan/plan.js';
import { DEFAULT_BOUNDS, type Bounds } from './bounds.js';

export function boundsOf({ world, hazards, pods }: Plan): Bounds {
  const deadAfterMs = Math.max(...pods.map((pod) => pod.deadAfterMs));
  const common = { ...DEFAULT_BOUNDS, faultEchoMs: 2 * deadAfterMs };
  if (world === 'sqlite') return common;
  return { ...common, twoRows: true, exactOrder: false, latenessMs: hazards.lateReadMs, clockSlackMs: 1_000 };
}

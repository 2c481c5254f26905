/** Tells when the store makes its pods exchange less often than they would, and when that is over. */
import type { ThrottleReason } from '../../contract.js';
import { NO_EASE } from './ease.js';

/** Two thresholds, so that an interval near one of them does not change the state with every exchange. */
const THROTTLED_FROM_MS = 2_000;
const RELAXED_BELOW_MS = 1_000;

/** @param before what held until now */
export function throttleOf(
  before: ThrottleReason | undefined,
  { intervalMs, ease }: { readonly intervalMs: number; readonly ease: number },
): ThrottleReason | undefined {
  if (ease > NO_EASE) return 'refused';
  return intervalMs >= (before === undefined ? THROTTLED_FROM_MS : RELAXED_BELOW_MS) ? 'slots' : undefined;
}

/**
 * Decides which of the pods that see due work ask for it, so that a lone step does not set off the whole fleet.
 *
 * Invariants:
 * - A pod that has outcomes to hand in asks with them, for whatever it can run.
 * - Any other pod asks only for overdue work: steps that have been due for longer than the interval between its exchanges. The
 *   busy pods had their chance to take them by then. This is what keeps a few busy pods fast among a thousand idle ones.
 * - Of the idle pods about as many ask as the work needs, at random. Those that do not ask look again.
 * - Work that nobody takes is asked for soon: each look that leaves it to others doubles the chance of the next. The others may be busy,
 *   or handle other types.
 */

/** A read that is older than this does not decide: the pod looks first. */
const FRESH_MS = 1_500;
/** From a pod's look until others see what it has claimed: its UPDATE, and the commit. Measured in the model. */
const UNSEEN_CLAIM_MS = 800;

/** Whether a pod without outcomes must look before it may ask. @param readAgeMs `null`: it has not looked yet */
export function mustLook(readAgeMs: number | null): boolean {
  return readAgeMs === null || readAgeMs > FRESH_MS;
}

/** Askers for each one that the work needs. More only lengthen the interval, fewer leave a lone step waiting. */
const ASKERS_PER_NEED = 1.5;
/** This many UPDATEs at once for one step do no harm, and a small fleet stays fast. */
const FEW_LOOKERS = 2;

export interface IdlePod {
  /** How many steps are overdue. */
  readonly overdue: number;
  /** How many steps a pod takes at a time. */
  readonly slots: number;
  /** The pods that are awake. */
  readonly pods: number;
  /** Above 0. */
  readonly lookIntervalMs: number;
  /** How many looks in a row have left overdue work to others. */
  readonly passes: number;
}

/** @param random from 0 to below 1 */
export function asks({ overdue, slots, pods, lookIntervalMs, passes }: IdlePod, random: number): boolean {
  if (overdue === 0) return false;
  const needed = Math.ceil(overdue / Math.max(1, slots));
  // How many pods look before the first claim shows.
  const lookers = (pods * UNSEEN_CLAIM_MS) / lookIntervalMs;
  return lookers <= FEW_LOOKERS || random < ((ASKERS_PER_NEED * needed) / lookers) * 2 ** passes;
}

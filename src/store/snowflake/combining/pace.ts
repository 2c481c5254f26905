/**
 * How often a pod may exchange, and how often an idle one may look, so that the fleet does not fill the warehouse.
 *
 * Invariants:
 * - Pure arithmetic. All times are in ms.
 * - The exchanges of all pods together take half of the statement slots, and the looks of idle pods a fifth.
 * - The slot time of an exchange is bounded. Without the bound, one storm at start-up would set intervals of minutes, which
 *   nothing would ever shorten.
 *
 * The shares and bounds come from a model of the fleet; see docs/decisions/0031-combining.md.
 */

/** The share of the statement slots for exchanges, and for the looks of idle pods. */
const EXCHANGE_SHARE = 0.5;
const LOOK_SHARE = 0.2;
/** The slot time of an exchange until one was measured. */
export const ASSUMED_SLOT_MS = 450;
/** The slot time of an exchange at most: twice what the model measures. */
const LONGEST_SLOT_MS = 900;
const SHORTEST_LOOK_INTERVAL_MS = 1_000;

export interface Load {
  /** How many pods have exchanged through the log in the last minute. */
  readonly asked: number;
  /** The lower quartile of the slot times that they reported; `null` if none did. */
  readonly slotMs: number | null;
}

/** The interval between two exchanges of a pod, for the statement slots alone. */
export function exchangeIntervalMs({ asked, slotMs }: Load, statementSlots: number): number {
  const bounded = Math.min(LONGEST_SLOT_MS, Math.max(0, slotMs ?? ASSUMED_SLOT_MS));
  return (asked * bounded) / (EXCHANGE_SHARE * statementSlots);
}

/** The interval between two looks of an idle pod. */
export function lookIntervalMs(pods: number, selectSlotMs: number, statementSlots: number): number {
  return Math.max(SHORTEST_LOOK_INTERVAL_MS, (pods * selectSlotMs) / (LOOK_SHARE * statementSlots));
}

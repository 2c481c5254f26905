/**
 * Decides what a pod does after each look at its request in the log: it serves all requests, looks again, or has its answer.
 *
 * Invariants:
 * - The pod with the oldest open request is the head, and serves every request with one UPDATE. If it stays silent for longer
 *   than its turn, the next one takes over, and so on.
 * - Nothing rests on there being one head. A look may be late, so two heads, and heads that change nothing, are expected. The
 *   fence of each row makes them harmless. A lease, or a second look before the UPDATE, cost more than they save.
 * - Patience comes from the times of this pod's own statements. If it came from how long requests take to be served, which contains
 *   patience itself, it would grow without end.
 * - A head learns from a look that it is the head, and sends its UPDATE after that. Where statements wait for a slot, both do, so a
 *   turn has room for both waits. Otherwise all who have logged at about the same time would serve at once, after their first look.
 */

/**
 * Where a request stands: `head` if it is the oldest open one, `behind` if others are older, `served` if no UPDATE could do
 * anything more for it, `absent` if the log does not show it.
 */
export type Place = 'head' | 'behind' | 'served' | 'absent';

export interface Turn {
  readonly place: Place;
  /** How many open requests are older. */
  readonly rank: number;
  /** Since the request was logged, in ms. */
  readonly waitedMs: number;
}

/** What the pod has measured of its own statements, in ms. */
export interface StatementTimes {
  /** How long an UPDATE takes. */
  readonly updateMs: number;
  /** How long the slowest statement of late was in the warehouse: see `Measurements.slowestMs`. */
  readonly slowestMs: number;
}

export type Move =
  /** Its answer is in the look. */
  | { readonly kind: 'finish' }
  /** Serve every request. */
  | { readonly kind: 'serve' }
  /** The INSERT was lost, or is not shown yet. The same rows twice do no harm. */
  | { readonly kind: 'log' }
  | { readonly kind: 'look'; readonly afterMs: number };

/** A head is given the time of this many UPDATEs, */
const PATIENCE_UPDATES = 3;
/** and of this many waits for a slot. */
const PATIENCE_WAITS = 2;
const LONGEST_PATIENCE_MS = 30_000;
/** Looks are spread by this share of an UPDATE's time, up and down. */
const SPREAD = 0.25;

/** How long each older request has its turn, in ms. */
export function patienceMs({ updateMs, slowestMs }: StatementTimes): number {
  return Math.min(LONGEST_PATIENCE_MS, PATIENCE_WAITS * slowestMs + PATIENCE_UPDATES * updateMs);
}

/** @param random from 0 to below 1 */
export function nextMove({ place, rank, waitedMs }: Turn, times: StatementTimes, random: number): Move {
  if (place === 'served') return { kind: 'finish' };
  if (place === 'absent') return { kind: 'log' };
  if (place === 'head' || waitedMs > patienceMs(times) * (1 + rank)) return { kind: 'serve' };
  return { kind: 'look', afterMs: times.updateMs * (1 + SPREAD * (2 * random - 1)) };
}

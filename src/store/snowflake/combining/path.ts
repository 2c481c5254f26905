/**
 * Decides how a pod exchanges: through the log, where one UPDATE serves many pods, or directly, by an UPDATE of its own.
 *
 * A pod alone would only lose by the log: it would send an INSERT and a look more. Among others the log is what keeps the table's
 * lock free. A pod goes direct only after long silence of the others. A rule that goes direct "until the lock is
 * contended" changes back and forth in fleets of 3 to 10 pods.
 *
 * Silence is not enough. When steps come to an idle fleet, every pod sees them, and nobody has exchanged yet. If each sent
 * an UPDATE of its own, they would wait for one another's lock. So new work is shared through the log. If the others are still
 * silent after that, they do not want it.
 */

export type Path = 'direct' | 'log';

/** Others count as silent after this many UPDATEs. */
const QUIET_UPDATES = 10;
/** UPDATEs of this many pods at once do no harm: one waits for one other. A small fleet stays fast. */
const FEW_PODS = 2;

export interface Neighbours {
  /** How long ago another pod has exchanged, in ms, as far as the last look shows; `null` if never. */
  readonly otherMs: number | null;
  /** How long ago an UPDATE of this pod was turned away, in ms; `null` if never. */
  readonly waitedMs: number | null;
  /** How long this pod has seen work that it could claim, in ms; `null` if it sees none. */
  readonly workMs: number | null;
  /** How many pods are awake, and may see the same work. */
  readonly pods: number;
}

export function pathOf({ otherMs, waitedMs, workMs, pods }: Neighbours, updateMs: number): Path {
  const isQuiet = (sinceMs: number | null) => sinceMs === null || sinceMs > QUIET_UPDATES * updateMs;
  const isShared = pods > FEW_PODS && !isQuiet(workMs);
  return !isShared && isQuiet(otherMs) && isQuiet(waitedMs) ? 'direct' : 'log';
}

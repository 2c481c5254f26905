/**
 * Decides how a pod exchanges: through the log, where one UPDATE serves many pods, or directly, by an UPDATE of its own.
 *
 * A pod alone would only lose by the log: it would send an INSERT and a look more. Among others the log is what keeps the table's
 * lock free. A pod goes direct only after long silence of the others. A rule that goes direct "until the lock is
 * contended" changes back and forth in fleets of 3 to 10 pods.
 */

export type Path = 'direct' | 'log';

/** Others count as silent after this many UPDATEs. */
const QUIET_UPDATES = 10;

export interface Neighbours {
  /** How long ago another pod has exchanged, in ms, as far as the last look shows; `null` if never. */
  readonly otherMs: number | null;
  /** How long ago an UPDATE of this pod had to wait for another statement, in ms; `null` if never. */
  readonly waitedMs: number | null;
}

export function pathOf({ otherMs, waitedMs }: Neighbours, updateMs: number): Path {
  const isQuiet = (sinceMs: number | null) => sinceMs === null || sinceMs > QUIET_UPDATES * updateMs;
  return isQuiet(otherMs) && isQuiet(waitedMs) ? 'direct' : 'log';
}

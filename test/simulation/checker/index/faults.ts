/**
 * Which faults affected a process, and when: what excuses it.
 *
 * Invariant: a fault excuses from its beginning until its end. How long its effects last is the rule's affair.
 */
import type { RecordIndex } from './record-index.js';
import type { PlacedFault, ProcessTrail } from './trails.js';

/** Faults under which a process cannot be heard: its peers may evict it. */
export const SILENCING = new Set(['freeze', 'suspend', 'stalls', 'cut', 'slow', 'evict']);
/** Faults under which a process does not run, so that it cannot fence itself. */
export const STOPPING_TIME = new Set(['freeze', 'suspend', 'stalls']);

export function overlaps({ at, entry }: PlacedFault, from: number, to: number): boolean {
  return at <= to && Math.max(at, entry.until ?? at) >= from;
}

/** Whether a fault of these names affected the process at any time between the two instants. No names: any fault. */
export function wasFaulty(
  index: RecordIndex,
  process: ProcessTrail,
  from: number,
  to: number,
  names?: ReadonlySet<string>,
): boolean {
  const counts = (fault: PlacedFault): boolean =>
    (names === undefined || names.has(fault.entry.name)) && overlaps(fault, from, to);
  return process.faults.some(counts) || index.faultsOfAll.some(counts);
}

/** Whether the process was killed, or had stopped by itself, by then. */
export function isGone(process: ProcessTrail, at: number): boolean {
  return (process.killedAt ?? Infinity) <= at || (process.stoppedAt ?? Infinity) <= at;
}

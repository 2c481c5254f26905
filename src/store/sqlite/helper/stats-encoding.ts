/**
 * Encodes counts for their way from the helper thread to the main thread.
 *
 * Invariants:
 * - With any number of types, the message blocks neither event loop for long: the names are one text, the numbers are
 *   typed arrays.
 * - Packing runs in one go, so only the helper thread does it. Unpacking yields.
 */
import type { Runtime } from '../../../runtime/runtime.js';
import { STEP_STATUSES } from '../../../step/step.js';
import type { StatusCounts, StoreStats } from '../../contract.js';
import { zeroCounts, statsOf, type StepCounts, type Totals } from '../../step-counts.js';

export interface PackedStats extends Totals {
  /** A JSON array. */
  readonly types: string;
  /** For each type, one number for each status. */
  readonly counts: Float64Array;
  /** A priority, then its count, and so on. */
  readonly pendingByPriority: Float64Array;
}

export function packedStats({ totals, byType, pendingByPriority }: StepCounts): PackedStats {
  const counts = new Float64Array(byType.size * STEP_STATUSES.length);
  let at = 0;
  for (const ofType of byType.values()) for (const status of STEP_STATUSES) counts[at++] = ofType[status];
  return {
    ...totals,
    types: JSON.stringify([...byType.keys()]),
    counts,
    pendingByPriority: Float64Array.from([...pendingByPriority].flat()),
  };
}

export function unpackedStats(runtime: Runtime, packed: PackedStats): Promise<StoreStats> {
  const { byStatus, due, oldestDueMs } = packed;
  return statsOf(runtime, { byStatus, due, oldestDueMs }, typesOf(packed), prioritiesOf(packed));
}

function* typesOf({ types, counts }: PackedStats): Generator<[string, StatusCounts]> {
  let at = 0;
  for (const type of JSON.parse(types) as string[]) {
    const ofType = zeroCounts();
    for (const status of STEP_STATUSES) ofType[status] = counts[at++] ?? 0;
    yield [type, ofType];
  }
}

function* prioritiesOf({ pendingByPriority }: PackedStats): Generator<[number, number]> {
  for (let at = 0; at < pendingByPriority.length; at += 2)
    yield [pendingByPriority[at] ?? 0, pendingByPriority[at + 1] ?? 0];
}

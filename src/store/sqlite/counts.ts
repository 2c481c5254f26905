/**
 * Counts of the steps, gathered piece by piece.
 *
 * Invariants: however many types there are, neither what goes from one thread to another nor what is made of it keeps the
 * event loop for long: names travel as one text, numbers in arrays, and the objects are made in slices. A type may have
 * any name.
 */
import { mapInSlices } from '../../runtime/slices.js';
import type { Runtime } from '../../runtime/runtime.js';
import { STEP_STATUSES, type StepStatus } from '../../step/step.js';
import type { StatusCounts, StoreStats } from '../contract.js';
import type { CountRow } from './readers.js';

/** Counts that go through a port at little cost. */
export interface PackedStats extends Pick<StoreStats, 'byStatus' | 'due' | 'oldestDueMs'> {
  /** A JSON array. */
  readonly types: string;
  /** For each type one number for each status. */
  readonly counts: Float64Array;
  /** Priority and count by turns. */
  readonly pendingByPriority: Float64Array;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class Counts {
  readonly #byStatus = noCounts();
  readonly #byType = new Map<string, Mutable<StatusCounts>>();
  readonly #pendingByPriority = new Map<number, number>();
  #due = 0;
  #oldestDue = Infinity;

  add([type, status, priority, count, due, oldestDue]: CountRow): void {
    if (!isStatus(status)) return; // written by hand
    const ofType = this.#byType.get(type) ?? noCounts();
    this.#byType.set(type, ofType);
    ofType[status] += count;
    this.#byStatus[status] += count;
    if (status === 'pending')
      this.#pendingByPriority.set(priority, (this.#pendingByPriority.get(priority) ?? 0) + count);
    this.#due += due;
    if (oldestDue !== null) this.#oldestDue = Math.min(this.#oldestDue, oldestDue);
  }

  packed(now: number): PackedStats {
    const counts = new Float64Array(this.#byType.size * STEP_STATUSES.length);
    let at = 0;
    for (const ofType of this.#byType.values()) for (const status of STEP_STATUSES) counts[at++] = ofType[status];
    return {
      byStatus: this.#byStatus,
      types: JSON.stringify([...this.#byType.keys()]),
      counts,
      pendingByPriority: Float64Array.from([...this.#pendingByPriority].flat()),
      due: this.#due,
      oldestDueMs: this.#due === 0 ? null : Math.max(0, now - this.#oldestDue),
    };
  }
}

export async function unpackedStats(runtime: Runtime, packed: PackedStats): Promise<StoreStats> {
  const { byStatus, types, counts, pendingByPriority, due, oldestDueMs } = packed;
  const byType: Record<string, StatusCounts> = {};
  await mapInSlices(runtime, JSON.parse(types) as string[], (type, i) => {
    const ofType = noCounts();
    STEP_STATUSES.forEach((status, nth) => (ofType[status] = counts[i * STEP_STATUSES.length + nth] ?? 0));
    put(byType, type, ofType);
  });
  const byPriority: Record<string, number> = {};
  await mapInSlices(runtime, Array(pendingByPriority.length / 2).keys(), (i) =>
    put(byPriority, String(pendingByPriority[2 * i]), pendingByPriority[2 * i + 1] ?? 0),
  );
  return { byStatus, byType, pendingByPriority: byPriority, due, oldestDueMs };
}

/** An own property, whatever its name. */
function put<T>(record: Record<string, T>, name: string, value: T): void {
  if (name !== '__proto__') record[name] = value;
  else Object.defineProperty(record, name, { value, configurable: true, enumerable: true, writable: true });
}

function isStatus(word: string): word is StepStatus {
  return (STEP_STATUSES as readonly string[]).includes(word);
}

function noCounts(): Mutable<StatusCounts> {
  return { pending: 0, claimed: 0, completed: 0, failed: 0, cancelled: 0 };
}

/**
 * Adds up the counts of steps by type, status and priority.
 *
 * Invariants:
 * - The report is built in slices, so that any number of types and priorities leaves the event loop free.
 * - A type may have any name, also `__proto__`.
 * - A row of an unknown status was written by hand and is not counted.
 */
import { mapInSlices } from '../runtime/time-slices.js';
import type { Runtime } from '../runtime/runtime.js';
import { isStepStatus } from '../step/step.js';
import type { StatusCounts, StoreStats } from './contract.js';

/** A row of counts, grouped by type, status and priority. The priority matters only for pending steps. */
export type CountRow = readonly [
  type: string,
  status: string,
  priority: number,
  steps: number,
  due: number,
  /** How long the oldest of the due steps has been due, in ms; `null` if no step is due. */
  oldestDueMs: number | null,
];

/** The part of the report that has a fixed size. */
export type Totals = Pick<StoreStats, 'byStatus' | 'due' | 'oldestDueMs'>;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class StepCounts {
  readonly #byStatus = zeroCounts();
  readonly #byType = new Map<string, Mutable<StatusCounts>>();
  readonly #pendingByPriority = new Map<number, number>();
  #due = 0;
  #oldestDueMs = 0;

  add([type, status, priority, steps, due, oldestDueMs]: CountRow): void {
    if (!isStepStatus(status)) return;
    let ofType = this.#byType.get(type);
    if (ofType === undefined) this.#byType.set(type, (ofType = zeroCounts()));
    ofType[status] += steps;
    this.#byStatus[status] += steps;
    if (status === 'pending')
      this.#pendingByPriority.set(priority, (this.#pendingByPriority.get(priority) ?? 0) + steps);
    this.#due += due;
    if (oldestDueMs !== null) this.#oldestDueMs = Math.max(this.#oldestDueMs, oldestDueMs);
  }

  get totals(): Totals {
    return { byStatus: this.#byStatus, due: this.#due, oldestDueMs: this.#due === 0 ? null : this.#oldestDueMs };
  }

  get byType(): ReadonlyMap<string, StatusCounts> {
    return this.#byType;
  }

  get pendingByPriority(): ReadonlyMap<number, number> {
    return this.#pendingByPriority;
  }

  stats(runtime: Runtime): Promise<StoreStats> {
    return statsOf(runtime, this.totals, this.#byType, this.#pendingByPriority);
  }
}

/** Builds a report, in slices. */
export async function statsOf(
  runtime: Runtime,
  totals: Totals,
  types: Iterable<readonly [type: string, counts: StatusCounts]>,
  priorities: Iterable<readonly [priority: number, pending: number]>,
): Promise<StoreStats> {
  const byType: Record<string, StatusCounts> = {};
  await mapInSlices(runtime, types, ([type, counts]) => put(byType, type, counts));
  const pendingByPriority: Record<string, number> = {};
  await mapInSlices(runtime, priorities, ([priority, pending]) => put(pendingByPriority, String(priority), pending));
  return { ...totals, byType, pendingByPriority };
}

/** Sets an own property of any name. */
function put<T>(record: Record<string, T>, name: string, value: T): void {
  if (name !== '__proto__') record[name] = value;
  else Object.defineProperty(record, name, { value, configurable: true, enumerable: true, writable: true });
}

export function zeroCounts(): Mutable<StatusCounts> {
  return { pending: 0, claimed: 0, completed: 0, failed: 0, cancelled: 0 };
}

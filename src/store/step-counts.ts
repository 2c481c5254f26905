/**
 * Counts of the steps, gathered row by row and reported by type, status and priority.
 *
 * Invariants: however many types and priorities there are, making the report does not keep the event loop for long: its
 * records are filled in slices. A type may have any name. Rows of an unknown status were written by hand and are not
 * counted.
 */
import { mapInSlices } from '../runtime/time-slices.js';
import type { Runtime } from '../runtime/runtime.js';
import { isStepStatus } from '../step/step.js';
import type { StatusCounts, StoreStats } from './contract.js';

/** What a store counts in one go. Of steps that are not pending the priority does not matter. */
export type CountRow = readonly [
  type: string,
  status: string,
  priority: number,
  steps: number,
  due: number,
  /** For how long the oldest of the due ones has been due, in ms; `null`: none is. */
  oldestDueMs: number | null,
];

/** The part of the report whose size is fixed. */
export type Totals = Pick<StoreStats, 'byStatus' | 'due' | 'oldestDueMs'>;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class StepCounts {
  readonly #byStatus = noCounts();
  readonly #byType = new Map<string, Mutable<StatusCounts>>();
  readonly #pendingByPriority = new Map<number, number>();
  #due = 0;
  #oldestDueMs = 0;

  add([type, status, priority, steps, due, oldestDueMs]: CountRow): void {
    if (!isStepStatus(status)) return;
    let ofType = this.#byType.get(type);
    if (ofType === undefined) this.#byType.set(type, (ofType = noCounts()));
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

/** Puts a report together, in slices. */
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

/** An own property, whatever its name. */
function put<T>(record: Record<string, T>, name: string, value: T): void {
  if (name !== '__proto__') record[name] = value;
  else Object.defineProperty(record, name, { value, configurable: true, enumerable: true, writable: true });
}

export function noCounts(): Mutable<StatusCounts> {
  return { pending: 0, claimed: 0, completed: 0, failed: 0, cancelled: 0 };
}

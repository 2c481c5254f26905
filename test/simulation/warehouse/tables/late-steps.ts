/** How a late view sees STEP_TRACKER: the rows of some steps are others than those of the table. */
import type { StepRow, WaitingOfType, WaitingStep } from '../tables.js';
import { understood } from '../values.js';
import { type StepTable, tokensOf } from './step-table.js';
import { LateTypeOfWaiting, waitingStepOf } from './waiting.js';

export class LateSteps {
  readonly #table: StepTable;
  /** The rows of the steps of which any row is seen late. */
  readonly steps = new Map<string, readonly StepRow[]>();
  #byToken: Map<string, StepRow[]> | undefined;
  #removed: Map<string, WaitingStep[]> | undefined;
  readonly #added = new Map<string, WaitingStep[]>();

  /** @param undone what is seen of rows that are seen late, by `row_id` */
  constructor(table: StepTable, undone: ReadonlyMap<string, StepRow | undefined>) {
    this.#table = table;
    for (const [rowId, seen] of undone) {
      const row = table.row(rowId);
      const stepId = (seen ?? row)?.step_id;
      if (seen === row || stepId === undefined) continue;
      const rows = this.steps.get(stepId) ?? table.byId(stepId);
      const others = rows.filter(({ row_id }) => row_id !== rowId);
      this.steps.set(stepId, seen === undefined ? others : [...others, seen]);
    }
  }

  *rows(): Generator<StepRow> {
    for (const rows of this.steps.values()) yield* rows;
  }

  isHidden(row: StepRow): boolean {
    return this.steps.has(row.step_id);
  }

  byToken(token: string): readonly StepRow[] {
    if (this.#byToken === undefined) {
      this.#byToken = new Map();
      for (const row of this.rows()) for (const its of tokensOf(row)) push(this.#byToken, its, row);
    }
    return this.#byToken.get(token) ?? [];
  }

  waitingOf(type: string): WaitingOfType {
    const removed = this.#collect();
    const base = this.#table.typeOfWaiting(type);
    const [less, more] = [removed.get(type) ?? [], this.#added.get(type) ?? []];
    return less.length === 0 && more.length === 0 ? base : new LateTypeOfWaiting(base, less, more);
  }

  /** What the late rows add to a count of rows. */
  difference(counts: (row: StepRow) => boolean): number {
    let difference = 0;
    for (const [stepId, rows] of this.steps) {
      difference += rows.filter(counts).length - this.#table.byId(stepId).filter(counts).length;
    }
    return difference;
  }

  claimedDifference(): number {
    return this.difference((row) => row.status === 'claimed' && understood(row));
  }

  #collect(): Map<string, WaitingStep[]> {
    if (this.#removed !== undefined) return this.#removed;
    this.#removed = new Map();
    for (const [stepId, rows] of this.steps) {
      const [now, seen] = [this.#table.waiting(stepId), waitingStepOf(rows)];
      if (now !== undefined) push(this.#removed, now.its_type, now);
      if (seen !== undefined) push(this.#added, seen.its_type, seen);
    }
    return this.#removed;
  }
}

function push<K, V>(index: Map<K, V[]>, key: K, value: V): void {
  const found = index.get(key);
  if (found === undefined) index.set(key, [value]);
  else found.push(value);
}

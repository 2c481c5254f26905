/** The rows of the modelled warehouse as the history shows them. */
import type { StepState } from '../history/history.js';
import type { PodLogRow, StepRow, TableChange } from '../warehouse/tables.js';
import { codeOf } from './sqlite-rows.js';
import type { RowChange } from './world.js';

/** @param epoch the wall time at which the world begins */
export function stateOf(row: StepRow, epoch: number): StepState {
  return {
    stepId: row.step_id,
    rowId: row.row_id,
    status: row.status as StepState['status'],
    type: row.step_type ?? '',
    version: row.version,
    retryCount: row.retry_count,
    maxRetries: row.max_retries,
    crashes: row.crashes,
    priority: row.priority,
    dueAt: row.run_at - epoch,
    claimToken: row.claim_token,
    claimedIncarnation: row.claimed_incarnation,
    settledBy: row.settled_by,
    errorCode: codeOf(row.error),
  };
}

/** Turns changes of the tables into those of a history. */
export class ChangeReader {
  readonly #epoch: number;
  /** What the history has of each incarnation. A pod may say it again, and two leaders may evict one pod. */
  readonly #known = new Set<string>();
  /** When each incarnation gave its newest sign of life in the log, by the store's clock. */
  readonly #heardAt = new Map<string, number>();

  constructor(epoch: number) {
    this.#epoch = epoch;
  }

  /** Nothing for what the history does not show. */
  read(change: TableChange): RowChange | undefined {
    if (change.table === 'podLog') return this.#member(change.after);
    const { table, before, after } = change;
    if (before !== undefined && after !== undefined && isSame(before, after)) return undefined;
    return {
      kind: 'row',
      table,
      ...(before === undefined ? {} : { before: stateOf(before, this.#epoch) }),
      ...(after === undefined ? {} : { after: stateOf(after, this.#epoch) }),
    };
  }

  #member({ pod_id, incarnation, event, seq, at_ts }: PodLogRow): RowChange | undefined {
    const heardAt = this.#heardAt.get(incarnation);
    if (seq !== null) this.#heardAt.set(incarnation, Math.max(heardAt ?? at_ts, at_ts));
    if (event !== 'registered' && event !== 'left' && event !== 'evicted') return undefined;
    const isFinal = this.#known.has(`left ${incarnation}`) || this.#known.has(`evicted ${incarnation}`);
    if (event === 'registered' && isFinal) return undefined; // it lands late, and changes nothing
    const key = `${event} ${incarnation}`;
    if (this.#known.has(key)) return undefined;
    this.#known.add(key);
    const silent = event === 'evicted' && heardAt !== undefined ? { silentForMs: at_ts - heardAt } : {};
    return { kind: 'member', podId: pod_id, incarnation, event, ...silent };
  }
}

/** Whether a statement has written a row as it was. */
function isSame(before: StepRow, after: StepRow): boolean {
  return before.version === after.version && before.status === after.status;
}

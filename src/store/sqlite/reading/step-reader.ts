/**
 * Reads steps: by id, as lists, as counts, and by when they ended.
 *
 * Invariants: a read that may go through the whole history does so in pieces of a bounded number of rows. Its caller
 * decides what runs between two pieces.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { CancelledStep, ListFilter, StepRecord } from '../../contract.js';
import type { CountRow } from '../../step-counts.js';
import { recordOf, type RecordRow } from '../row-mapping.js';
import type { WallClockOffsets } from '../clock/wall-clock-offsets.js';
import { CANCELLED, COUNT, ENDED_FROM, FIND, LIST, NEWEST_ENDING, PIECE_END } from './statements.js';

/** The most characters of a page, which ends early then, so that a page does not block the event loop. */
const PAGE_CHARACTERS = 2_000_000;

/** Beyond every rowid, in either direction. */
const ENDS = { oldest: Number.MAX_SAFE_INTEGER, newest: 0 } as const;
const STARTS = { oldest: 0, newest: Number.MAX_SAFE_INTEGER } as const;

/** The steps of a lookup, and the index of the id to continue with. */
export interface FoundSteps {
  readonly steps: StepRecord[];
  readonly next: number;
}

/** One piece of a list, and the row to continue after; `null` if there are no more rows. */
export interface ListPiece {
  readonly steps: readonly StepRecord[];
  readonly after: number | null;
  /** The page is full: the next piece belongs to the next page. */
  readonly full: boolean;
}

/** One piece of the counts, and the row to continue after; `null` if there are no more rows. */
export interface CountPiece {
  readonly rows: readonly CountRow[];
  readonly after: number | null;
}

/** A step that has ended: when, and its row. */
export type EndedRow = readonly [endedAt: number, rowid: number, stepId: string];

type ListRow = readonly [rowid: number, ...RecordRow];
type Filter = string | null;
type ListBinds = [number, number, number, number, ...FilterBinds, number];
type FilterBinds = [Filter, Filter, Filter, Filter, Filter, Filter];

export class StepReader {
  readonly #wall: WallClockOffsets;
  readonly #find: Statement<[string], RecordRow>;
  readonly #pieceEnd: Record<ListFilter['order'], Statement<[number, number], number>>;
  readonly #list: Record<ListFilter['order'], Statement<ListBinds, ListRow>>;
  readonly #count: Statement<[number, number, number, number, number], CountRow>;
  readonly #endedFrom: Statement<[number, number, number, number], EndedRow>;
  readonly #newestEnding: Statement<[], number | null>;
  readonly #cancelled: Statement<[number, string], readonly [stepId: string, agoMs: number]>;

  constructor(connection: Database, wall: WallClockOffsets) {
    this.#wall = wall;
    this.#find = connection.prepare<[string], RecordRow>(FIND).raw();
    const pieceEnd = (sql: string) => connection.prepare<[number, number], number>(sql).pluck();
    this.#pieceEnd = { oldest: pieceEnd(PIECE_END.oldest), newest: pieceEnd(PIECE_END.newest) };
    const list = (sql: string) => connection.prepare<ListBinds, ListRow>(sql).raw();
    this.#list = { oldest: list(LIST.oldest), newest: list(LIST.newest) };
    this.#count = connection.prepare<[number, number, number, number, number], CountRow>(COUNT).raw();
    this.#endedFrom = connection.prepare<[number, number, number, number], EndedRow>(ENDED_FROM).raw();
    this.#newestEnding = connection.prepare<[], number | null>(NEWEST_ENDING).pluck();
    this.#cancelled = connection.prepare<[number, string], readonly [string, number]>(CANCELLED).raw();
  }

  /** Looks up these steps from the index `from` on, until `enough`; unknown ids are left out. */
  find(stepIds: readonly string[], from: number, enough: () => boolean): FoundSteps {
    const times = this.#wall.times();
    const steps: StepRecord[] = [];
    let next = from;
    for (const stepId of stepIds.slice(from)) {
      const row = this.#find.get(stepId);
      if (row !== undefined) steps.push(recordOf(row, times));
      next++;
      if (enough()) break;
    }
    return { steps, next };
  }

  /** Searches the next `rows` rows after `after` for at most `limit` steps that pass the filter. */
  list(filter: ListFilter, after: number | null, limit: number, rows: number): ListPiece {
    const { order, createdFrom = -Infinity, createdBefore = Infinity } = filter;
    const from = after ?? STARTS[order];
    const end = this.#pieceEnd[order].get(from, rows - 1);
    const times = this.#wall.times();
    const steps: StepRecord[] = [];
    let characters = 0;
    let last = from;
    const created = times.covering(createdFrom, createdBefore);
    // One row more than the limit shows whether there is another page. Rows of a time range may be left out below.
    const most = filter.createdFrom === undefined && filter.createdBefore === undefined ? limit + 1 : rows;
    for (const [rowid, ...row] of this.#list[order].iterate(
      from,
      end ?? ENDS[order],
      ...created,
      ...filterBinds(filter),
      most,
    )) {
      if (steps.length === limit || characters > PAGE_CHARACTERS) return { steps, after: last, full: true };
      const step = recordOf(row, times);
      if (step.createdAt < createdFrom || step.createdAt >= createdBefore) continue;
      steps.push(step);
      characters += step.payload.length + (step.result?.length ?? 0) + (step.error?.length ?? 0);
      last = rowid;
    }
    return { steps, after: end ?? null, full: steps.length === limit };
  }

  /** The next steps that ended after the row that ended at `at`. */
  endedFrom(at: number, rowid: number, limit: number): EndedRow[] {
    return this.#endedFrom.all(at, at, rowid, limit);
  }

  /** When the last step ended; 0 if none has ended. */
  newestEnding(): number {
    return this.#newestEnding.get() ?? 0;
  }

  /** Which of these steps were cancelled, and how long ago. */
  cancelled(now: number, stepIds: readonly string[]): CancelledStep[] {
    return this.#cancelled
      .all(now, JSON.stringify(stepIds))
      .map(([stepId, agoMs]) => ({ stepId, agoMs: Math.max(0, agoMs) }));
  }

  /** Counts the next `rows` rows after `after`. */
  count(now: number, after: number, rows: number): CountPiece {
    const end = this.#pieceEnd.oldest.get(after, rows - 1);
    return { rows: this.#count.all(now, now, now, after, end ?? ENDS.oldest), after: end ?? null };
  }
}

function filterBinds({ statuses, types, claimedBy }: ListFilter): FilterBinds {
  const anyOf = (values: readonly string[] | undefined): Filter =>
    values === undefined ? null : JSON.stringify(values);
  const [status, type] = [anyOf(statuses), anyOf(types)];
  const holder = claimedBy ?? null;
  return [status, status, type, type, holder, holder];
}

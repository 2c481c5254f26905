/**
 * What one statement sees: the tables as they are, with the recent changes of other sessions undone that it does not see yet.
 *
 * Invariant: a view never changes. What is committed after it was made is undone in it, too.
 */
import type { ArchivedRow, PodLogRow, RequestRow, SchemaInfoRow, StepRow, View, WaitingOfType } from '../tables.js';
import type { ChangeLog, Sight } from './change-log.js';
import type { GroupedRows } from './grouped-rows.js';
import { LateSteps } from './late-steps.js';
import { newestOf, type RequestRows } from './request-rows.js';
import type { StepTable } from './step-table.js';
import { actorOf } from './touches.js';

/** A table of rows that never change, with its recent changes. */
export interface LoggedRows<R, Rows extends GroupedRows<R> = GroupedRows<R>> {
  readonly rows: Rows;
  readonly log: ChangeLog<R, R>;
}

/** The tables, as views read them. */
export interface Contents {
  readonly steps: StepTable;
  readonly stepLog: ChangeLog<string, StepRow>;
  readonly archive: LoggedRows<ArchivedRow>;
  readonly requests: LoggedRows<RequestRow, RequestRows>;
  readonly podLog: LoggedRows<PodLogRow>;
  readonly schemaInfo: LoggedRows<SchemaInfoRow>;
  /** The number of the last commit. */
  readonly commits: number;
  /** The number of the last commit that is seen, whatever its session. */
  numberAt(sight: Sight): number;
}

export class TableView implements View {
  readonly #contents: Contents;
  readonly #sight: Sight;
  /** What is seen of POD_LOG. */
  readonly #logSight: Sight;
  #lateSteps: LateSteps | undefined;
  /** The commit after which `#lateSteps` was made. */
  #lateOf: number | undefined;
  #seesUntil: number | undefined;
  /** What is undone of the other tables, and after which commit that was found. */
  readonly #undone = new Map<
    unknown,
    { readonly of: number; readonly rows: ReadonlyMap<unknown, unknown> | undefined }
  >();

  constructor(contents: Contents, session: number, asOf: number, podLogAsOf = asOf) {
    this.#contents = contents;
    this.#sight = { session, asOf, until: contents.commits };
    this.#logSight = { ...this.#sight, asOf: podLogAsOf };
  }

  seesUntil(): number {
    return (this.#seesUntil ??= this.#contents.numberAt(this.#sight));
  }

  isFresh(): boolean {
    return this.seesUntil() === this.#contents.commits;
  }

  stepsById(stepId: string): readonly StepRow[] {
    return this.#late()?.steps.get(stepId) ?? this.#contents.steps.byId(stepId);
  }

  stepsByToken(token: string): readonly StepRow[] {
    const late = this.#late();
    const rows = this.#contents.steps.byToken(token) ?? [];
    return late === undefined ? [...rows] : [...[...rows].filter((row) => !late.isHidden(row)), ...late.byToken(token)];
  }

  isTokenUsed(token: string): boolean {
    if (this.#late() === undefined) return this.#contents.steps.byToken(token) !== undefined;
    return [...this.stepsByToken(token)].length > 0;
  }

  claimed(): Iterable<StepRow> {
    return this.#patched(this.#contents.steps.claimed(), ({ status }) => status === 'claimed');
  }

  claimedBy(incarnation: string): Iterable<StepRow> {
    return this.#patched(
      this.#contents.steps.claimedBy(incarnation) ?? [],
      (row) => row.status === 'claimed' && row.claimed_incarnation === incarnation,
    );
  }

  allSteps(): Iterable<StepRow> {
    return this.#patched(this.#contents.steps.rows(), () => true);
  }

  severalRows(): Iterable<string> {
    const [late, now] = [this.#late(), this.#contents.steps.severalRows()];
    if (late === undefined) return now;
    const others = [...now].filter((stepId) => !late.steps.has(stepId));
    return [...others, ...[...late.steps].filter(([, rows]) => rows.length > 1).map(([stepId]) => stepId)];
  }

  waitingOf(stepType: string): WaitingOfType {
    return this.#late()?.waitingOf(stepType) ?? this.#contents.steps.typeOfWaiting(stepType);
  }

  stepCount(): number {
    return this.#contents.steps.size + (this.#late()?.difference(() => true) ?? 0);
  }

  claimedCount(): number {
    return this.#contents.steps.claimedCount + (this.#late()?.claimedDifference() ?? 0);
  }

  lastOfOthers(me: string | null): number | undefined {
    if (me === null) return undefined;
    const late = this.#late();
    let latest = this.#contents.steps.touches.lastOfOthers(me, (row) => late?.isHidden(row) === true);
    for (const row of late?.rows() ?? []) {
      const actor = actorOf(row);
      if (actor !== null && actor !== me) latest = Math.max(latest ?? -Infinity, row.last_update_ts);
    }
    return latest;
  }

  archivedById(stepId: string): readonly ArchivedRow[] {
    return this.#rowsOf(
      this.#contents.archive,
      (rows) => rows.of(stepId),
      (row) => row.step_id === stepId,
    );
  }

  allArchived(): Iterable<ArchivedRow> {
    return this.#rowsOf(this.#contents.archive, (rows) => rows.all());
  }

  requests(): Iterable<RequestRow> {
    return this.#rowsOf(this.#contents.requests, (rows) => rows.all());
  }

  requestsSince(instant: number): Iterable<RequestRow> {
    return this.#rowsOf(
      this.#contents.requests,
      (rows) => rows.since(instant),
      (row) => row.asked_ts > instant,
    );
  }

  requestsBackwards(): Iterable<RequestRow> {
    const { rows, log } = this.#contents.requests;
    if (this.#undoneOf(log) === undefined) return backwards(rows.all());
    return [...this.requests()].sort((a, b) => b.asked_ts - a.asked_ts);
  }

  newestRequests(ms: number, now: number): readonly RequestRow[] {
    const { rows, log } = this.#contents.requests;
    const undone = this.#undoneOf(log);
    if (undone === undefined) return rows.newest(ms, now);
    const apart = new Set([...undone.keys()].map(({ incarnation }) => incarnation));
    const newest = rows.newest(ms, now, apart);
    const deleted = [...undone.values()].filter((row) => row !== undefined);
    for (const one of apart) {
      const kept = rows.of(one).filter((row) => !undone.has(row));
      newest.push(...newestOf([...kept, ...deleted.filter(({ incarnation }) => incarnation === one)], ms, now));
    }
    return newest;
  }

  mayShareTokens(): boolean {
    const { rows, log } = this.#contents.requests;
    return rows.haveSharedTokens || this.#undoneOf(log) !== undefined;
  }

  podLog(): Iterable<PodLogRow> {
    return this.#rowsOf(this.#contents.podLog, (rows) => rows.all());
  }

  podLogOf(incarnation: string): readonly PodLogRow[] {
    return this.#rowsOf(
      this.#contents.podLog,
      (rows) => rows.of(incarnation),
      (row) => row.incarnation === incarnation,
    );
  }

  schemaInfo(): Iterable<SchemaInfoRow> {
    return this.#rowsOf(this.#contents.schemaInfo, (rows) => rows.all());
  }

  #late(): LateSteps | undefined {
    const { steps, stepLog, commits } = this.#contents;
    if (this.#lateOf !== commits) {
      const undone = stepLog.undone(this.#sight);
      this.#lateSteps = undone === undefined ? undefined : new LateSteps(steps, undone);
      this.#lateOf = commits;
    }
    return this.#lateSteps;
  }

  #patched(rows: Iterable<StepRow>, holds: (row: StepRow) => boolean): Iterable<StepRow> {
    const late = this.#late();
    if (late === undefined || late.steps.size === 0) return rows;
    return (function* () {
      for (const row of rows) if (!late.isHidden(row)) yield row;
      for (const row of late.rows()) if (holds(row)) yield row;
    })();
  }

  #undoneOf<R>(log: ChangeLog<R, R>): ReadonlyMap<R, R | undefined> | undefined {
    const { commits, podLog } = this.#contents;
    let undone = this.#undone.get(log);
    if (undone?.of !== commits) {
      const sight = (podLog.log as unknown) === log ? this.#logSight : this.#sight;
      this.#undone.set(log, (undone = { of: commits, rows: log.undone(sight) }));
    }
    return undone.rows as ReadonlyMap<R, R | undefined> | undefined;
  }

  #rowsOf<R>(
    { rows, log }: LoggedRows<R>,
    found: (rows: GroupedRows<R>) => readonly R[],
    holds: (row: R) => boolean = () => true,
  ): readonly R[] {
    const undone = this.#undoneOf(log);
    if (undone === undefined) return found(rows);
    const deleted = [...undone.values()].filter((row) => row !== undefined && holds(row)) as R[];
    return [...found(rows).filter((row) => !undone.has(row)), ...deleted];
  }
}

function* backwards<T>(items: readonly T[]): Generator<T> {
  for (let i = items.length - 1; i >= 0; i--) yield items[i] as T;
}

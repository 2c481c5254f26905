/**
 * What one statement sees: the tables as they are, with the recent changes of other sessions undone that it does not see yet.
 *
 * Invariant: a view is read before the next commit. After that it refuses to answer.
 */
import type { ArchivedRow, PodLogRow, RequestRow, SchemaInfoRow, StepRow, View, WaitingOfType } from '../tables.js';
import type { ChangeLog } from './change-log.js';
import type { GroupedRows } from './grouped-rows.js';
import { LateSteps } from './late-steps.js';
import type { StepTable } from './step-table.js';
import { actorOf } from './touches.js';

/** A table of rows that never change, with its recent changes. */
export interface LoggedRows<R> {
  readonly rows: GroupedRows<R>;
  readonly log: ChangeLog<R, R>;
}

/** The tables, as views read them. */
export interface Contents {
  readonly steps: StepTable;
  readonly stepLog: ChangeLog<string, StepRow>;
  readonly archive: LoggedRows<ArchivedRow>;
  readonly requests: LoggedRows<RequestRow>;
  readonly podLog: LoggedRows<PodLogRow>;
  readonly schemaInfo: LoggedRows<SchemaInfoRow>;
  readonly commits: number;
}

export class TableView implements View {
  readonly #contents: Contents;
  readonly #session: number;
  readonly #asOf: number;
  readonly #commits: number;
  #lateSteps: LateSteps | undefined;
  #hasLateSteps: boolean | undefined;

  constructor(contents: Contents, session: number, asOf: number) {
    this.#contents = contents;
    this.#session = session;
    this.#asOf = asOf;
    this.#commits = contents.commits;
  }

  stepsById(stepId: string): readonly StepRow[] {
    return this.#late()?.steps.get(stepId) ?? this.#now().steps.byId(stepId);
  }

  stepsByToken(token: string): readonly StepRow[] {
    const late = this.#late();
    const rows = this.#now().steps.byToken(token) ?? [];
    return late === undefined ? [...rows] : [...[...rows].filter((row) => !late.isHidden(row)), ...late.byToken(token)];
  }

  claimed(): Iterable<StepRow> {
    return this.#patched(this.#now().steps.claimed(), ({ status }) => status === 'claimed');
  }

  claimedBy(incarnation: string): Iterable<StepRow> {
    return this.#patched(
      this.#now().steps.claimedBy(incarnation) ?? [],
      (row) => row.status === 'claimed' && row.claimed_incarnation === incarnation,
    );
  }

  allSteps(): Iterable<StepRow> {
    return this.#patched(this.#now().steps.rows(), () => true);
  }

  severalRows(): Iterable<string> {
    const [late, now] = [this.#late(), this.#now().steps.severalRows()];
    if (late === undefined) return now;
    const others = [...now].filter((stepId) => !late.steps.has(stepId));
    return [...others, ...[...late.steps].filter(([, rows]) => rows.length > 1).map(([stepId]) => stepId)];
  }

  waitingOf(stepType: string): WaitingOfType {
    return this.#late()?.waitingOf(stepType) ?? this.#now().steps.typeOfWaiting(stepType);
  }

  stepCount(): number {
    return this.#now().steps.size + (this.#late()?.difference(() => true) ?? 0);
  }

  claimedCount(): number {
    return this.#now().steps.claimedCount + (this.#late()?.claimedDifference() ?? 0);
  }

  lastOfOthers(me: string | null): number | undefined {
    if (me === null) return undefined;
    const late = this.#late();
    let latest = this.#now().steps.touches.lastOfOthers(me, (row) => late?.isHidden(row) === true);
    for (const row of late?.rows() ?? []) {
      const actor = actorOf(row);
      if (actor !== null && actor !== me) latest = Math.max(latest ?? -Infinity, row.last_update_ts);
    }
    return latest;
  }

  archivedById(stepId: string): readonly ArchivedRow[] {
    return this.#rowsOf(
      this.#now().archive,
      (rows) => rows.of(stepId),
      (row) => row.step_id === stepId,
    );
  }

  allArchived(): Iterable<ArchivedRow> {
    return this.#rowsOf(this.#now().archive, (rows) => rows.all());
  }

  requests(): Iterable<RequestRow> {
    return this.#rowsOf(this.#now().requests, (rows) => rows.all());
  }

  requestsSince(instant: number): Iterable<RequestRow> {
    return this.#rowsOf(
      this.#now().requests,
      (rows) => rows.since(instant),
      (row) => row.asked_ts > instant,
    );
  }

  podLog(): Iterable<PodLogRow> {
    return this.#rowsOf(this.#now().podLog, (rows) => rows.all());
  }

  podLogOf(incarnation: string): readonly PodLogRow[] {
    return this.#rowsOf(
      this.#now().podLog,
      (rows) => rows.of(incarnation),
      (row) => row.incarnation === incarnation,
    );
  }

  schemaInfo(): Iterable<SchemaInfoRow> {
    return this.#rowsOf(this.#now().schemaInfo, (rows) => rows.all());
  }

  #now(): Contents {
    if (this.#contents.commits !== this.#commits) throw new Error('a view is read before the next commit');
    return this.#contents;
  }

  #late(): LateSteps | undefined {
    if (this.#hasLateSteps === undefined) {
      const { steps, stepLog } = this.#now();
      const undone = stepLog.undone(this.#session, this.#asOf);
      if (undone !== undefined) this.#lateSteps = new LateSteps(steps, undone);
      this.#hasLateSteps = undone !== undefined;
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

  #rowsOf<R>(
    { rows, log }: LoggedRows<R>,
    found: (rows: GroupedRows<R>) => readonly R[],
    holds: (row: R) => boolean = () => true,
  ): readonly R[] {
    const undone = log.undone(this.#session, this.#asOf);
    if (undone === undefined) return found(rows);
    const deleted = [...undone.values()].filter((row) => row !== undefined && holds(row)) as R[];
    return [...found(rows).filter((row) => !undone.has(row)), ...deleted];
  }
}

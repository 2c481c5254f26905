/**
 * The tables of the modelled warehouse: their rows as they are now, and enough of the past for views that see it.
 *
 * Invariants:
 * - An effect is applied as a whole, or not at all.
 * - What an UPDATE or a DELETE meets are the rows as they are now, whatever its view has shown.
 * - A row that was written unchanged counts as updated, and its session sees it as it is from then on.
 */
import type {
  ArchivedRow,
  Committed,
  Effect,
  PodLogRow,
  RequestRow,
  RowDelete,
  SchemaInfoRow,
  StepRow,
  TableChange,
  Tables,
  View,
} from '../tables.js';
import { ChangeLog, type Commit } from './change-log.js';
import { CommitInstants } from './commit-instants.js';
import { GroupedRows } from './grouped-rows.js';
import { RequestRows } from './request-rows.js';
import { StepTable } from './step-table.js';
import { type Contents, type LoggedRows, TableView } from './view.js';

export interface TablesOptions {
  /** No view is later than this. Default: ten minutes. */
  readonly latenessMs?: number;
  /** Called for each changed row of a commit, once all of them are changed. */
  readonly onChange?: (change: TableChange, session: number, at: number) => void;
}

export class ModelledTables implements Tables {
  readonly #contents: { -readonly [K in keyof Contents]: Contents[K] };
  readonly #onChange: TablesOptions['onChange'];
  readonly #instants: CommitInstants;
  #at = -Infinity;
  #stepCommits = 0;
  #stepsCommittedAt: number | undefined;

  constructor({ latenessMs = 600_000, onChange }: TablesOptions = {}) {
    this.#instants = new CommitInstants(latenessMs);
    const logged = <R, Rows extends GroupedRows<R>>(rows: Rows & GroupedRows<R>): LoggedRows<R, Rows> => ({
      rows,
      log: new ChangeLog<R, R>(latenessMs),
    });
    this.#contents = {
      steps: new StepTable(),
      stepLog: new ChangeLog(latenessMs),
      archive: logged(new GroupedRows<ArchivedRow>((row) => row.step_id)),
      requests: logged<RequestRow, RequestRows>(new RequestRows()),
      podLog: logged(new GroupedRows<PodLogRow>((row) => row.incarnation)),
      schemaInfo: logged(new GroupedRows<SchemaInfoRow>(() => '')),
      commits: 0,
      numberAt: ({ asOf, until }) => Math.min(until, this.#instants.numberAt(asOf)),
    };
    this.#onChange = onChange;
  }

  /** How many commits have written rows of STEP_TRACKER, changed or not. */
  get stepCommits(): number {
    return this.#stepCommits;
  }

  /** When the last of them was; absent without one. */
  get stepsCommittedAt(): number | undefined {
    return this.#stepsCommittedAt;
  }

  view(session: number, asOf: number, podLogAsOf?: number): View {
    return new TableView(this.#contents, session, asOf, podLogAsOf);
  }

  commit(effect: Effect, session: number, at: number): Committed {
    if (at < this.#at) throw new RangeError(`a commit at ${at} comes after one at ${this.#at}`);
    const written = this.#writtenBy(effect, at); // may throw: nothing is changed before
    this.#at = at;
    const changes: TableChange[] = [];
    const commit = { number: this.#contents.commits + 1, at, session };
    for (const { before, after } of written) this.#write(before, after, commit, changes);
    if (written.length > 0) {
      this.#stepCommits++;
      this.#stepsCommittedAt = at;
    }
    const others = this.#changeOthers(effect, commit, changes);
    const inserted = others.inserted + (effect.insertSteps?.length ?? 0);
    const deleted = others.deleted + written.filter(({ after }) => after === undefined).length;
    const updated = written.filter(({ before, after }) => before !== undefined && after !== undefined).length;
    if (written.length > 0 || others.inserted + others.deleted > 0) {
      this.#contents.commits = commit.number;
      this.#instants.add(at);
    }
    for (const change of changes) this.#onChange?.(change, session, at);
    return { inserted, updated, deleted, changes };
  }

  /** The rows of STEP_TRACKER that the effect writes, as they are and as they will be. */
  #writtenBy(effect: Effect, at: number): readonly { before?: StepRow; after?: StepRow }[] {
    const { steps } = this.#contents;
    const written = new Map<string, { before?: StepRow; after?: StepRow }>();
    for (const update of effect.update ?? []) {
      for (const before of steps.byId(update.step_id)) {
        if (!update.guard(before)) continue;
        if (written.has(before.row_id)) throw new Error(`Duplicate row detected during DML action: ${before.row_id}`);
        const after = update.change(before, at);
        if (after.step_id !== before.step_id || after.row_id !== before.row_id) throw new Error('a row keeps its ids');
        written.set(before.row_id, { before, after });
      }
    }
    for (const before of matching(effect.deleteSteps, (id) => steps.byId(id))) written.set(before.row_id, { before });
    for (const after of effect.insertSteps ?? []) {
      const isTaken = steps.row(after.row_id) !== undefined || written.has(after.row_id);
      if (isTaken) throw new Error(`row_id is made by the statement, and no two are the same: ${after.row_id}`);
      written.set(after.row_id, { after });
    }
    return [...written.values()];
  }

  #write(before: StepRow | undefined, after: StepRow | undefined, commit: Commit, changes: TableChange[]): void {
    const key = (after ?? before)?.row_id;
    if (key === undefined) return;
    this.#contents.stepLog.add({ ...commit, key, before });
    if (before === after) return;
    this.#contents.steps.replace(before, after);
    changes.push(changeOf('steps', before, after));
  }

  #changeOthers(effect: Effect, commit: Commit, changes: TableChange[]) {
    const { archive, requests, podLog, schemaInfo } = this.#contents;
    const archived = [...new Set(matching(effect.deleteArchived, (id) => archive.rows.of(id)))];
    for (const before of archived) changes.push(changeOf('archive', before, undefined));
    for (const after of effect.insertArchived ?? []) changes.push(changeOf('archive', undefined, after));
    for (const after of effect.insertPodLog ?? []) changes.push({ table: 'podLog', after });
    const of = <R>(rows: LoggedRows<R>, deleted: (row: R) => boolean): R[] => rows.rows.all().filter(deleted);
    const { deleteRequests, deletePodLog } = effect;
    const counts = [
      change(archive, archived, effect.insertArchived, commit),
      change(requests, deleteRequests && of(requests, deleteRequests), effect.insertRequests, commit),
      change(podLog, deletePodLog && of(podLog, deletePodLog), effect.insertPodLog, commit),
      change(schemaInfo, [], effect.insertSchemaInfo, commit),
    ];
    return {
      inserted: counts.reduce((sum, { inserted }) => sum + inserted, 0),
      deleted: counts.reduce((sum, { deleted }) => sum + deleted, 0),
    };
  }
}

function changeOf<T extends 'steps' | 'archive'>(
  table: T,
  before: StepRow | undefined,
  after: StepRow | undefined,
): TableChange {
  return { table, ...(before && { before }), ...(after && { after }) } as TableChange;
}

function* matching<R extends StepRow>(
  deletes: readonly RowDelete<R>[] | undefined,
  rowsOf: (stepId: string) => readonly R[],
): Generator<R> {
  for (const { step_id, guard } of deletes ?? []) for (const row of rowsOf(step_id)) if (guard(row)) yield row;
}

function change<R extends object>(
  { rows, log }: LoggedRows<R>,
  deleted: readonly R[] = [],
  inserted: readonly R[] = [],
  commit: Commit,
): { inserted: number; deleted: number } {
  rows.delete(new Set(deleted));
  for (const row of deleted) log.add({ ...commit, key: row, before: row });
  for (const given of inserted) {
    const row = { ...given }; // its own: an effect that is applied twice inserts two rows
    rows.insert(row);
    log.add({ ...commit, key: row, before: undefined });
  }
  return { inserted: inserted.length, deleted: deleted.length };
}

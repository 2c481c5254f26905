/**
 * The rows of the modelled warehouse's tables. Names are those of the columns; instants are numbers, in ms of the warehouse's clock.
 * A VARIANT is a value of JSON, and `null` is NULL.
 */

export interface StepRow {
  step_id: string;
  row_id: string;
  status: string;
  claimed_by: string | null;
  last_update_ts: number;
  payload: unknown;
  retry_count: number;
  priority: number;
  created_ts: number;
  max_retries: number;
  version: number;
  step_type: string | null;
  run_at: number;
  far_run_at: number | null;
  crashes: number;
  claim_token: string | null;
  claimed_incarnation: string | null;
  claimed_ts: number | null;
  settled_token: string | null;
  settled_version: number | null;
  settled_by: string | null;
  submit_token: string | null;
  submit_index: number | null;
  payload_text: string | null;
  result: string | null;
  error: string | null;
}

export interface ArchivedRow extends StepRow {
  archived_ts: number;
}

export interface RequestRow {
  token: string;
  pod_id: string;
  incarnation: string;
  seq: number;
  group_id: string;
  free: number;
  prefetch: number;
  quarantine: number;
  limits: unknown;
  settlements: unknown;
  slot_ms: number | null;
  asked_ts: number;
}

export interface PodLogRow {
  pod_id: string;
  incarnation: string;
  event: string;
  seq: number | null;
  at_ts: number;
  heartbeat_ms: number | null;
  dead_after_ms: number | null;
  eligible: number | null;
  meta_text: string | null;
}

/** The versions that the tables were brought to. */
export interface SchemaInfoRow {
  version: number;
  oldest_allowed: number;
  at_ts: number;
}

/** What one statement sees of the tables: all of its own session, and of the others what was committed by some instant. */
export interface View {
  /** All rows of the step, in no order. */
  stepsById(stepId: string): readonly StepRow[];
  /** Rows whose `claim_token` or `settled_token` this is. */
  stepsByToken(token: string): readonly StepRow[];
  /** Pending rows of a type that are due at `now`, and those that are not, unordered. */
  pendingOf(stepType: string): Iterable<StepRow>;
  /** Rows whose status is `claimed`. */
  claimed(): Iterable<StepRow>;
  /** The same, of one incarnation. */
  claimedBy(incarnation: string): Iterable<StepRow>;
  allSteps(): Iterable<StepRow>;
  archivedById(stepId: string): readonly ArchivedRow[];
  allArchived(): Iterable<ArchivedRow>;
  requests(): Iterable<RequestRow>;
  podLog(): Iterable<PodLogRow>;
  schemaInfo(): Iterable<SchemaInfoRow>;
}

/**
 * One change of the rows of a step, decided by a statement from its view. It meets every row of the step as it is when the statement
 * has its lock, also one that the view did not show, and changes those for which `guard` holds then.
 *
 * A row that passes its guard is written, also if `change` answers it as it was: the session sees it as it is from then on.
 */
export interface RowUpdate {
  readonly step_id: string;
  guard(row: StepRow): boolean;
  change(row: StepRow): StepRow;
}

/** Removes the rows of a step for which `guard` holds, as they are when the statement has its lock. */
export interface RowDelete<Row> {
  readonly step_id: string;
  guard(row: Row): boolean;
}

/**
 * What a statement does: its rows for the caller, and its changes. How many rows were changed is counted where they are changed.
 *
 * The rows are those of the driver: names of columns in capitals (SHOW: as the server writes them), numbers as numbers, NULL as null.
 */
export interface Effect {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly update?: readonly RowUpdate[];
  readonly insertSteps?: readonly StepRow[];
  readonly deleteSteps?: readonly RowDelete<StepRow>[];
  readonly insertArchived?: readonly ArchivedRow[];
  readonly deleteArchived?: readonly RowDelete<ArchivedRow>[];
  readonly insertRequests?: readonly RequestRow[];
  readonly deleteRequests?: (row: RequestRow) => boolean;
  readonly insertPodLog?: readonly PodLogRow[];
  readonly deletePodLog?: (row: PodLogRow) => boolean;
  readonly insertSchemaInfo?: readonly SchemaInfoRow[];
}

/** What a statement has beside its view. */
export interface StatementContext {
  /** SYSDATE(), in ms. */
  readonly now: number;
  /** The statement's one bind, parsed; `undefined` without one. */
  readonly bind: unknown;
  /** UUID_STRING(). */
  uuid(): string;
  /** What SYSTEM$LAST_CHANGE_COMMIT_TIME answers to this statement for the table of steps. */
  readonly changeToken: string;
}

/** The model of one statement: it reads the view, and decides. It changes nothing itself. */
export type StatementModel = (view: View, context: StatementContext) => Effect;

/** One row that a commit has changed. `before` is absent for a new row, `after` for a removed one. */
export type TableChange =
  | { readonly table: 'steps'; readonly before?: StepRow; readonly after?: StepRow }
  | { readonly table: 'archive'; readonly before?: ArchivedRow; readonly after?: ArchivedRow }
  | { readonly table: 'podLog'; readonly after: PodLogRow };

/** What a commit has done. An UPDATE counts the rows that it has written, also those that stayed as they were. */
export interface Committed {
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  /** Rows that are other than before, in the order of the effect. Of POD_LOG, only new rows. */
  readonly changes: readonly TableChange[];
}

/** The tables: every commit with its session and its instant. */
export interface Tables {
  /**
   * What a statement of `session` sees: everything that the session has written so far, and of the others what was committed at
   * `asOf` or before. `asOf` may be `Infinity`: everything. A view stays as it is for as long as its statement runs.
   */
  view(session: number, asOf: number): View;
  /** Applies an effect as a whole. `at` never goes back. */
  commit(effect: Effect, session: number, at: number): Committed;
}

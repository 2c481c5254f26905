/**
 * The rows of the modelled warehouse's tables, and what a statement's model reads and decides. Names are those of the columns;
 * instants are numbers, in ms of the warehouse's clock.
 *
 * Invariant: a row is never changed. A change puts another row in its place.
 */

export interface StepRow {
  readonly step_id: string;
  readonly row_id: string;
  readonly status: string;
  readonly claimed_by: string | null;
  readonly last_update_ts: number;
  /** VARIANT: a parsed JSON value. */
  readonly payload: unknown;
  readonly retry_count: number;
  readonly priority: number;
  readonly created_ts: number;
  readonly max_retries: number;
  readonly version: number;
  readonly step_type: string | null;
  readonly run_at: number;
  readonly far_run_at: number | null;
  readonly crashes: number;
  readonly claim_token: string | null;
  readonly claimed_incarnation: string | null;
  readonly claimed_ts: number | null;
  readonly settled_token: string | null;
  readonly settled_version: number | null;
  readonly settled_by: string | null;
  readonly earlier_settlements: string | null;
  readonly submit_token: string | null;
  readonly submit_index: number | null;
  readonly payload_text: string | null;
  readonly result: string | null;
  readonly error: string | null;
}

export interface ArchivedRow extends StepRow {
  readonly archived_ts: number;
}

export interface RequestRow {
  readonly token: string;
  readonly pod_id: string;
  readonly incarnation: string;
  readonly seq: number;
  readonly group_id: string;
  readonly free: number;
  readonly prefetch: number;
  readonly quarantine: number;
  /** VARIANT, as `settlements`: any JSON value, parsed; `null` if there is none. */
  readonly limits: unknown;
  readonly settlements: unknown;
  readonly slot_ms: number | null;
  readonly asked_ts: number;
}

export interface PodLogRow {
  readonly pod_id: string;
  readonly incarnation: string;
  readonly event: string;
  readonly seq: number | null;
  readonly at_ts: number;
  readonly heartbeat_ms: number | null;
  readonly dead_after_ms: number | null;
  readonly eligible: number | null;
  readonly meta_text: string | null;
}

/** The versions that the tables were brought to. */
export interface SchemaInfoRow {
  readonly version: number;
  readonly oldest_allowed: number;
  readonly at_ts: number;
}

/**
 * A step of which every row that counts is pending, as the exchange ranks it (`waiting` of the texts): its first row stands for it,
 * with the greatest priority, due time and counts of all.
 */
export interface WaitingStep {
  readonly its_step: string;
  readonly first_id: string;
  readonly seen: number;
  readonly its_type: string;
  readonly prio: number;
  readonly due_ts: number;
  readonly struck: number;
  readonly made_ts: number;
  readonly made_at: number;
  /** What the first row lacks to the greatest counts. */
  readonly burn: number;
  readonly crash: number;
}

/** The waiting steps of one type. A suspect is a step with two crashes or more. */
export interface WaitingOfType {
  /** How many are due at `now`. */
  countDue(now: number, suspects: boolean): number;
  /** Those due at `now`, in the order of claims. Read no more of them than you need. */
  inOrder(now: number, suspects: boolean): Iterable<WaitingStep>;
  /** How many fell due at `by` or before and have at most this many crashes. */
  countSince(by: number, mostCrashes: number): number;
  /** When the first of those falls due that are not due at `now`. */
  nextAfter(now: number): number | undefined;
  /** When the first of those fell due that are due at `now`, and the fewest crashes among them, at most 2. */
  firstDue(now: number): { readonly first_ts: number; readonly struck: number } | undefined;
}

/**
 * What one statement sees of the tables: all of its own session, and of the others what was committed by some instant.
 *
 * A view is no copy: what it answers is read before the next commit. Asked again, it answers the same.
 */
export interface View {
  /** The number of the last commit that it sees, with all that came before. It may see some that came later. */
  seesUntil(): number;
  /** Whether it sees every commit. */
  isFresh(): boolean;
  /** All rows of the step, in no order. */
  stepsById(stepId: string): readonly StepRow[];
  /** Rows whose `claim_token` or `settled_token` this is. */
  stepsByToken(token: string): Iterable<StepRow>;
  /** Whether there is any. */
  isTokenUsed(token: string): boolean;
  /** Rows with status `claimed`. */
  claimed(): Iterable<StepRow>;
  /** Rows with status `claimed` and this `claimed_incarnation`. */
  claimedBy(incarnation: string): Iterable<StepRow>;
  allSteps(): Iterable<StepRow>;
  /** The ids of the steps that have several rows. */
  severalRows(): Iterable<string>;
  waitingOf(stepType: string): WaitingOfType;
  stepCount(): number;
  /** How many rows are claimed and valid. */
  claimedCount(): number;
  /** The latest `last_update_ts` of the rows whose holder, or settler if they are not claimed, is another than `me`. */
  lastOfOthers(me: string | null): number | undefined;
  archivedById(stepId: string): readonly ArchivedRow[];
  allArchived(): Iterable<ArchivedRow>;
  requests(): Iterable<RequestRow>;
  /** Those with `asked_ts` above the instant. */
  requestsSince(instant: number): Iterable<RequestRow>;
  /** Those with the latest `asked_ts` first. */
  requestsBackwards(): Iterable<RequestRow>;
  /** Of each incarnation the request with the greatest `seq` among those that `askedWithin` takes; of equals one of them. */
  newestRequests(ms: number, now: number): readonly RequestRow[];
  /** Whether any two requests may have the same token. */
  mayShareTokens(): boolean;
  podLog(): Iterable<PodLogRow>;
  podLogOf(incarnation: string): readonly PodLogRow[];
  schemaInfo(): Iterable<SchemaInfoRow>;
}

/**
 * One change of the rows of a step, decided by a statement from its view. It meets every row of the step as it is when the statement
 * has its lock, also one that the view did not show, and changes those for which `guard` (the WHERE) holds then.
 *
 * A row that passes its guard is written, also if `change` answers it as it was: the session sees it as it is from then on. A statement
 * has at most one update that meets a row: Snowflake refuses two.
 */
export interface RowUpdate {
  readonly step_id: string;
  guard(row: StepRow): boolean;
  /** @param now SYSDATE(), when the change is made */
  change(row: StepRow, now: number): StepRow;
}

/** Removes the rows of a step for which `guard` holds, as they are when the statement has its lock. */
export interface RowDelete<R extends StepRow> {
  readonly step_id: string;
  guard(row: R): boolean;
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
  /** The WHERE of a DELETE. */
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
   * `asOf` or before, of POD_LOG at `podLogAsOf` (default: the same). `Infinity`: everything. A view stays as it is for as long as its
   * statement runs.
   */
  view(session: number, asOf: number, podLogAsOf?: number): View;
  /** Applies an effect as a whole. `at` never goes back. */
  commit(effect: Effect, session: number, at: number): Committed;
}

/**
 * The rows of the modelled warehouse's tables. Names are those of the columns; instants are numbers, in ms of the warehouse's clock.
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

/** What one statement sees of the tables: all of its own session, and of the others what was committed by some instant. */
export interface View {
  /** All rows of the step, in no order. */
  stepsById(stepId: string): readonly StepRow[];
  /** Rows whose `claim_token` or `settled_token` this is. */
  stepsByToken(token: string): readonly StepRow[];
  /** Pending rows of a type that are due at `now`, and those that are not, unordered. */
  pendingOf(stepType: string): Iterable<StepRow>;
  claimed(): Iterable<StepRow>;
  claimedBy(incarnation: string): Iterable<StepRow>;
  allSteps(): Iterable<StepRow>;
  archivedById(stepId: string): readonly ArchivedRow[];
  allArchived(): Iterable<ArchivedRow>;
  requests(): Iterable<RequestRow>;
  podLog(): Iterable<PodLogRow>;
}

/** One change of one row, decided by a statement from its view, and applied only if `guard` holds for the row as it is then. */
export interface RowUpdate {
  readonly row_id: string;
  guard(row: StepRow): boolean;
  change(row: StepRow): StepRow;
}

/** What a statement does: its rows for the caller, and its changes. */
export interface Effect {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly update?: readonly RowUpdate[];
  readonly insertSteps?: readonly StepRow[];
  /** Removed if `guard` holds for the row as it is then. */
  readonly deleteSteps?: readonly { readonly row_id: string; guard(row: StepRow): boolean }[];
  readonly insertArchived?: readonly ArchivedRow[];
  readonly deleteArchived?: readonly { readonly row_id: string; readonly version: number }[];
  readonly insertRequests?: readonly RequestRow[];
  readonly deleteRequests?: (row: RequestRow) => boolean;
  readonly insertPodLog?: readonly PodLogRow[];
  readonly deletePodLog?: (row: PodLogRow) => boolean;
}

/** What a statement has beside its view. */
export interface StatementContext {
  /** SYSDATE(), in ms. */
  readonly now: number;
  /** The statement's one bind, parsed; `undefined` without one. */
  readonly bind: unknown;
  /** UUID_STRING(). */
  uuid(): string;
}

/** The model of one statement: it reads the view, and decides. It changes nothing itself. */
export type StatementModel = (view: View, context: StatementContext) => Effect;

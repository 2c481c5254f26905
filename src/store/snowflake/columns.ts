/**
 * The columns of each table, with their types.
 *
 * The columns of the Python FLEET-Q come first and are never renamed, so its queries keep working. A row that was inserted by
 * plain SQL with `step_id` and `payload` alone is a complete row. `row_id` is made by the INSERT itself and never bound,
 * because a statement that is sent again repeats its binds.
 */
export type Columns = Readonly<Record<string, string>>;

/** The columns that every INSERT must name: Snowflake refuses an INSERT without them when it compiles it. */
export function requiredColumns(columns: Columns): string[] {
  return Object.keys(columns).filter((name) => /NOT NULL(?!.* DEFAULT )/.test(columns[name] ?? ''));
}

/** The columns that hold text. */
export function textColumns(columns: Columns): string[] {
  return Object.keys(columns).filter((name) => columns[name]?.startsWith('VARCHAR'));
}

const number = 'NUMBER(38,0)';
const count = `${number} NOT NULL DEFAULT 0`;
const instant = 'TIMESTAMP_NTZ';
const now = `${instant} NOT NULL DEFAULT SYSDATE()`;

// `run_at` ends with the year 9999. A later instant is kept exactly in `far_run_at`, in epoch ms.
// `earlier_settlements` is what the row remembers of the settlements before its last one; see statements/earlier-settlements.ts.
// `submit_index` is the step's place in its submission; equal steps are claimed in that order. NULL counts as 0.
// `payload` is for SQL readers (VARIANT reorders keys and rewrites numbers). `payload_text` is the exact text.
export const STEP_TRACKER = {
  step_id: 'VARCHAR NOT NULL',
  status: `VARCHAR NOT NULL DEFAULT 'pending'`,
  claimed_by: 'VARCHAR',
  last_update_ts: now,
  payload: 'VARIANT',
  retry_count: count,
  priority: count,
  created_ts: now,
  max_retries: `${number} NOT NULL DEFAULT 3`,
  row_id: 'VARCHAR NOT NULL DEFAULT UUID_STRING()',
  version: count,
  step_type: 'VARCHAR',
  run_at: now,
  far_run_at: number,
  crashes: count,
  claim_token: 'VARCHAR',
  claimed_incarnation: 'VARCHAR',
  claimed_ts: instant,
  settled_token: 'VARCHAR',
  settled_version: number,
  settled_by: 'VARCHAR',
  earlier_settlements: 'VARCHAR',
  submit_token: 'VARCHAR',
  submit_index: number,
  payload_text: 'VARCHAR',
  result: 'VARCHAR',
  error: 'VARCHAR',
} as const satisfies Columns;

/** All columns, as they are copied to the archive and back. */
export const STEP_COLUMNS = Object.keys(STEP_TRACKER) as (keyof typeof STEP_TRACKER)[];

/** The columns of an archived row: the same, without defaults. */
const ARCHIVED = Object.fromEntries(
  Object.entries(STEP_TRACKER).map(([name, type]) => [name, type.replace(/ DEFAULT .*/, '')]),
);

export const STEP_ARCHIVE: Columns = { ...ARCHIVED, archived_ts: `${instant} NOT NULL` };

// `slot_ms` is what an exchange through the log takes its pod in the warehouse. Pods of an older version leave it NULL.
export const EXCHANGE_REQUEST: Columns = {
  token: 'VARCHAR NOT NULL',
  pod_id: 'VARCHAR NOT NULL',
  incarnation: 'VARCHAR NOT NULL',
  seq: `${number} NOT NULL`,
  group_id: 'VARCHAR NOT NULL',
  free: `${number} NOT NULL`,
  prefetch: `${number} NOT NULL`,
  quarantine: `${number} NOT NULL`,
  limits: 'VARIANT',
  settlements: 'VARIANT',
  slot_ms: number,
  asked_ts: `${instant} NOT NULL`,
};

// `seq` is the incarnation's own counter, shared with its requests. It is NULL for 'evicted', which another pod wrote.
export const POD_LOG: Columns = {
  pod_id: 'VARCHAR NOT NULL',
  incarnation: 'VARCHAR NOT NULL',
  event: 'VARCHAR NOT NULL',
  seq: number,
  at_ts: `${instant} NOT NULL`,
  heartbeat_ms: number,
  dead_after_ms: number,
  eligible: number,
  meta_text: 'VARCHAR',
};

export const SCHEMA_INFO: Columns = {
  version: `${number} NOT NULL`,
  oldest_allowed: `${number} NOT NULL`,
  at_ts: `${instant} NOT NULL`,
};

/** The columns of the view. */
export const POD_HEALTH: Columns = {
  pod_id: 'VARCHAR',
  birth_ts: instant,
  last_heartbeat_ts: instant,
  status: 'VARCHAR',
  meta: 'VARIANT',
  incarnation: 'VARCHAR',
};

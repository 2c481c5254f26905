/**
 * The columns of each table, with their types.
 *
 * Those of the original system come first, and are never renamed; a row put in by plain SQL (`step_id`, `payload`) is a
 * whole row. `row_id` is made by the statement that inserts, and never bound: a resend repeats its binds.
 */
export type Columns = Readonly<Record<string, string>>;

/** The columns that every INSERT must name: Snowflake refuses one that leaves them out when it compiles it. */
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

// `run_at` ends with the year 9999; what is to run later keeps its exact instant in `far_run_at`, in epoch ms.
// `submit_index` is the step's place in its submission; equals are claimed in that order. NULL counts as 0.
// `payload` is for readers by SQL (it reorders keys and rewrites numbers); `payload_text` is the exact text.
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
  submit_token: 'VARCHAR',
  submit_index: number,
  payload_text: 'VARCHAR',
  result: 'VARCHAR',
  error: 'VARCHAR',
} as const satisfies Columns;

/** As they travel to the archive and back. */
export const STEP_COLUMNS = Object.keys(STEP_TRACKER) as (keyof typeof STEP_TRACKER)[];

/** What an archived row is: the same, with no defaults. */
const ARCHIVED = Object.fromEntries(
  Object.entries(STEP_TRACKER).map(([name, type]) => [name, type.replace(/ DEFAULT .*/, '')]),
);

export const STEP_ARCHIVE: Columns = { ...ARCHIVED, archived_ts: `${instant} NOT NULL` };

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
  asked_ts: `${instant} NOT NULL`,
};

// `seq` is the incarnation's own counter, shared with its requests; NULL on 'evicted', which another wrote.
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

/** What the view shows. */
export const POD_HEALTH: Columns = {
  pod_id: 'VARCHAR',
  birth_ts: instant,
  last_heartbeat_ts: instant,
  status: 'VARCHAR',
  meta: 'VARIANT',
  incarnation: 'VARCHAR',
};

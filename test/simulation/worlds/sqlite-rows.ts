/**
 * The rows of an SQLite database as the history shows them, and triggers that report each change.
 *
 * Invariants: the triggers are temporary, so they belong to the connection and the schema stays as it is.
 */
import type { Database } from 'better-sqlite3';
import { parseJson } from '../../../src/step/payload.js';
import type { MemberChanged, StepState } from '../history/history.js';
import type { RowChange } from './world.js';

const COLUMNS = [
  'step_id',
  'rowid',
  'status',
  'coalesce(NEW.step_type, NEW.payload)',
  'version',
  'retry_count',
  'max_retries',
  'crashes',
  'priority',
  'run_at',
  'claim_token',
  'claimed_incarnation',
  'settled_by',
  'NEW.error',
] as const;

/** The columns of a row, as arguments of a function. */
function columns(of: string): string {
  return COLUMNS.map((column) => (column.includes('NEW.') ? column.replaceAll('NEW', of) : `${of}.${column}`)).join(
    ', ',
  );
}

type Value = string | number | null;

/** @param now the world's time, which began at `epoch` on the wall */
export function listenToRows(
  connection: Database,
  { epoch, now }: { readonly epoch: number; readonly now: () => number },
  listener: (change: RowChange) => void,
): void {
  const heardAt = new Map<string, number>();
  const state = (values: readonly Value[]): StepState => stateOf(values, epoch);
  const row = (kind: 'new' | 'gone' | 'changed', ...values: Value[]): null => {
    const [first, second] = [values.slice(0, COLUMNS.length), values.slice(COLUMNS.length)];
    if (kind === 'new') listener({ kind: 'row', table: 'steps', after: state(first) });
    if (kind === 'gone') listener({ kind: 'row', table: 'steps', before: state(first) });
    if (kind === 'changed') listener({ kind: 'row', table: 'steps', before: state(first), after: state(second) });
    return null;
  };
  const member = (podId: string, incarnation: string, event: MemberChanged['event']): null => {
    if (event === 'registered') heard(incarnation);
    const silentForMs = event === 'evicted' ? now() - (heardAt.get(incarnation) ?? 0) : undefined;
    listener({ kind: 'member', podId, incarnation, event, ...(silentForMs === undefined ? {} : { silentForMs }) });
    return null;
  };
  const heard = (incarnation: string): null => {
    heardAt.set(incarnation, now());
    return null;
  };
  connection.function('fleet_row', { varargs: true }, row as (...values: unknown[]) => unknown);
  connection.function('fleet_member', { varargs: true }, member as (...values: unknown[]) => unknown);
  connection.function('fleet_heard', heard as (...values: unknown[]) => unknown);
  connection.exec(`
    CREATE TEMP TRIGGER fleet_step_new AFTER INSERT ON main.STEP_TRACKER BEGIN SELECT fleet_row('new', ${columns('NEW')}); END;
    CREATE TEMP TRIGGER fleet_step_gone AFTER DELETE ON main.STEP_TRACKER BEGIN SELECT fleet_row('gone', ${columns('OLD')}); END;
    CREATE TEMP TRIGGER fleet_step_changed AFTER UPDATE ON main.STEP_TRACKER
    WHEN NEW.version <> OLD.version OR NEW.status <> OLD.status OR NEW.run_at <> OLD.run_at
    BEGIN SELECT fleet_row('changed', ${columns('OLD')}, ${columns('NEW')}); END;
    CREATE TEMP TRIGGER fleet_member_new AFTER INSERT ON main.POD_HEALTH
    BEGIN SELECT fleet_member(NEW.pod_id, NEW.incarnation, 'registered'); END;
    CREATE TEMP TRIGGER fleet_member_heard AFTER UPDATE OF beat ON main.POD_HEALTH BEGIN SELECT fleet_heard(NEW.incarnation); END;
    CREATE TEMP TRIGGER fleet_member_final AFTER UPDATE OF final ON main.POD_HEALTH WHEN NEW.final IS NOT NULL AND OLD.final IS NULL
    BEGIN SELECT fleet_member(NEW.pod_id, NEW.incarnation, NEW.final); END;`);
}

export function readRows(connection: Database, epoch: number): StepState[] {
  const text = `SELECT ${columns('STEP_TRACKER')} FROM STEP_TRACKER ORDER BY rowid`;
  return (connection.prepare(text).raw().all() as Value[][]).map((values) => stateOf(values, epoch));
}

function stateOf(values: readonly Value[], epoch: number): StepState {
  const [stepId, rowId, status, type, version, retryCount, maxRetries, crashes, priority, runAt, ...rest] = values;
  const [claimToken, claimedIncarnation, settledBy, error] = rest;
  return {
    stepId: String(stepId),
    rowId: String(rowId),
    status: status as StepState['status'],
    type: String(type),
    version: Number(version),
    retryCount: Number(retryCount),
    maxRetries: Number(maxRetries),
    crashes: Number(crashes),
    priority: Number(priority),
    dueAt: Number(runAt) - epoch,
    claimToken: textOrNull(claimToken),
    claimedIncarnation: textOrNull(claimedIncarnation),
    settledBy: textOrNull(settledBy),
    errorCode: codeOf(textOrNull(error)),
  };
}

function textOrNull(value: Value | undefined): string | null {
  return value === null || value === undefined ? null : String(value);
}

/** The code of a stored error: JSON with a `code`, or else its `name`. */
export function codeOf(error: string | null): string | null {
  if (error === null) return null;
  const parsed = parseJson(error);
  if (typeof parsed !== 'object' || parsed === null) return 'unknown';
  const { code, name } = parsed as { readonly code?: unknown; readonly name?: unknown };
  return typeof code === 'string' ? code : typeof name === 'string' ? name : 'unknown';
}

/** The models of the statements that submit steps. */
import type { StatementModel, StepRow, View } from '../tables.js';
import { kept, newRowId } from './step-rows.js';
import { compare, flattened, LAST_INSTANT, numeric, part, text } from './values.js';

/** Inserts the steps that neither table has. Of an id that the bind names twice, the first one counts. */
export const submit: StatementModel = (view, { now, bind, uuid }) => {
  const token = text(part(bind, 'token'));
  const seen = new Set<string>();
  const insertSteps: StepRow[] = [];
  flattened(part(bind, 'steps')).forEach((step, at) => {
    const id = text(part(step, 'id')) ?? '';
    if (seen.has(id)) return;
    seen.add(id);
    if (isKnown(view, id)) return;
    insertSteps.push(rowOf(step, { id, at, token, now, rowId: newRowId(now, uuid()) }));
  });
  return { rows: [], insertSteps };
};

const isKnown = (view: View, id: string): boolean => view.stepsById(id).length > 0 || view.archivedById(id).length > 0;

interface Insertion {
  readonly id: string;
  readonly at: number;
  readonly token: string | null;
  readonly now: number;
  readonly rowId: string;
}

function rowOf(step: unknown, { id, at, token, now, rowId }: Insertion): StepRow {
  const type = text(part(step, 'type'));
  const payload = text(part(step, 'payload'));
  const runAtMs = numeric(part(step, 'runAtMs'));
  return {
    ...BLANK,
    row_id: rowId,
    step_id: id,
    payload: parsed(payload) ?? { type },
    payload_text: payload,
    priority: numeric(part(step, 'priority')) ?? 0,
    max_retries: numeric(part(step, 'maxRetries')) ?? 3,
    step_type: type,
    run_at: runAtMs === null ? now + (numeric(part(step, 'delayMs')) ?? NaN) : Math.min(runAtMs, LAST_INSTANT),
    far_run_at: runAtMs !== null && runAtMs > LAST_INSTANT ? runAtMs : null,
    created_ts: now,
    last_update_ts: now,
    submit_token: token,
    submit_index: at,
  };
}

const BLANK = {
  status: 'pending',
  claimed_by: null,
  retry_count: 0,
  version: 0,
  crashes: 0,
  claim_token: null,
  claimed_incarnation: null,
  claimed_ts: null,
  settled_token: null,
  settled_version: null,
  settled_by: null,
  result: null,
  error: null,
};

/** TRY_PARSE_JSON */
function parsed(json: string | null): unknown {
  if (json === null) return undefined;
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** What became of a submission: one row for each place in it. */
export const submitted: StatementModel = (view, { bind }) => {
  const token = text(part(bind, 'token'));
  const rows = flattened(part(bind, 'steps')).map((step, at) => {
    const first = firstRow(view, text(part(step, 'id')) ?? '');
    return {
      AT: at,
      MADE: first !== undefined && token !== null && first.submit_token === token ? 1 : 0,
      SAME: first !== undefined && isSamePayload(kept(first), text(part(step, 'payload'))) ? 1 : 0,
      FOUND: first === undefined ? 0 : 1,
    };
  });
  return { rows };
};

/** The hot row wins, and of several the first. */
function firstRow(view: View, id: string): StepRow | undefined {
  const hot = view.stepsById(id);
  const rows: readonly StepRow[] = hot.length > 0 ? hot : view.archivedById(id);
  return [...rows].sort((a, b) => compare(a.row_id, b.row_id))[0];
}

/** A carrier is the last key of a stored payload, and the given one has none. */
const isSamePayload = (stored: string | null, given: string | null): boolean =>
  stored !== null && given !== null && (stored === given || stored.startsWith(`${given.slice(0, -1)},"trace":{`));

/** The models of the statements that submit steps. */
import { UNTOUCHED } from '../tables/untouched.js';
import type { StatementModel, StepRow, View } from '../tables.js';
import { kept, newRowId } from './step-rows.js';
import { compareText, elements, number, path, varchar } from '../values.js';

/** A TIMESTAMP ends with the year 9999. */
const LAST_INSTANT = 253_402_300_799_000;

/** Inserts the steps that neither table has. Of an id that the bind names twice, the first one counts. */
export const submit: StatementModel = (view, { now, bind, uuid }) => {
  const token = varchar(path(bind, 'token'));
  const seen = new Set<string>();
  const insertSteps: StepRow[] = [];
  elements(path(bind, 'steps')).forEach((step, at) => {
    const id = varchar(path(step, 'id')) ?? '';
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
  const type = varchar(path(step, 'type'));
  const payload = varchar(path(step, 'payload'));
  const runAtMs = number(path(step, 'runAtMs'));
  return {
    ...UNTOUCHED,
    row_id: rowId,
    step_id: id,
    payload: parsed(payload) ?? { type },
    payload_text: payload,
    priority: number(path(step, 'priority')) ?? 0,
    max_retries: number(path(step, 'maxRetries')) ?? 3,
    step_type: type,
    run_at: runAtMs === null ? now + (number(path(step, 'delayMs')) ?? NaN) : Math.min(runAtMs, LAST_INSTANT),
    far_run_at: runAtMs !== null && runAtMs > LAST_INSTANT ? runAtMs : null,
    created_ts: now,
    last_update_ts: now,
    submit_token: token,
    submit_index: at,
  };
}

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
  const token = varchar(path(bind, 'token'));
  const rows = elements(path(bind, 'steps')).map((step, at) => {
    const first = firstRow(view, varchar(path(step, 'id')) ?? '');
    return {
      AT: at,
      MADE: first !== undefined && token !== null && first.submit_token === token ? 1 : 0,
      SAME: first !== undefined && isSamePayload(kept(first), varchar(path(step, 'payload'))) ? 1 : 0,
      FOUND: first === undefined ? 0 : 1,
    };
  });
  return { rows };
};

/** The hot row wins, and of several the first. */
function firstRow(view: View, id: string): StepRow | undefined {
  const hot = view.stepsById(id);
  const rows: readonly StepRow[] = hot.length > 0 ? hot : view.archivedById(id);
  return [...rows].sort((a, b) => compareText(a.row_id, b.row_id))[0];
}

/** A carrier is the last key of a stored payload, and the given one has none. */
const isSamePayload = (stored: string | null, given: string | null): boolean =>
  stored !== null && given !== null && (stored === given || stored.startsWith(`${given.slice(0, -1)},"trace":{`));

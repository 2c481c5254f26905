/** Random rows of steps, as pods, late statements and people leave them. */
import type { Random } from '../../../chaos/random.js';
import type { ArchivedRow, StepRow } from '../tables.js';
import { about, count, INCARNATIONS, maybe, past, podOf, STATUSES, STEP_IDS, TOKENS, TYPES } from './random-values.js';

/** A payload as a submission stores it, and its text; or what somebody has written by hand. */
function payload(random: Random, type: string): Pick<StepRow, 'payload' | 'payload_text' | 'step_type'> {
  const stored = { type, args: random.pick<unknown>([{}, { n: 1 }, [1, 'ü"'], null]) };
  const text = JSON.stringify(stored);
  const exact = { payload: withoutNulls(stored), payload_text: text, step_type: type };
  return random.pick([
    exact,
    exact,
    exact,
    { ...exact, payload_text: `${text.slice(0, -1)},"trace":{"traceparent":"00-1"}}` },
    { ...exact, payload_text: null, step_type: null }, // inserted by hand
    { ...exact, payload_text: null },
    {
      payload: random.pick<unknown>([null, {}, { type: 5 }, { type: true }, 'text', [type]]),
      payload_text: null,
      step_type: null,
    },
  ]);
}

/** JSON's null is not loaded. */
const withoutNulls = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, part: unknown) => (part === null ? undefined : part)));

/** No two are the same, and those of one instant are in any order. */
function rowId(random: Random, at: number): string {
  const suffix = random.between(0, 1e9);
  return random.chance(0.1) ? `by-hand-${suffix}` : `${String(at).padStart(15, '0')}-${suffix}`;
}

export function stepRow(random: Random, now: number, stepId = random.pick(STEP_IDS)): StepRow {
  const status = random.chance(0.03) ? 'paused' : random.pick(STATUSES);
  const isClaimed = status === 'claimed';
  const incarnation = random.pick(INCARNATIONS);
  const created = past(random, now);
  const hasHolder = isClaimed || random.chance(0.4);
  return {
    step_id: stepId,
    row_id: rowId(random, created),
    status,
    claimed_by: hasHolder ? maybe(random, podOf(incarnation), 0.05) : null,
    last_update_ts: past(random, now),
    ...payload(random, random.pick(TYPES)),
    retry_count: count(random),
    priority: random.pick([0, 0, 0, 1, 5, -3, -9_007_199_254_740_001]),
    created_ts: created,
    max_retries: count(random),
    version: count(random),
    run_at: about(random, now),
    far_run_at: random.chance(0.05) ? 253_402_300_799_001 : null,
    crashes: count(random),
    claim_token: isClaimed ? maybe(random, random.pick(TOKENS), 0.05) : random.chance(0.1) ? random.pick(TOKENS) : null,
    claimed_incarnation: hasHolder ? maybe(random, incarnation, 0.05) : null,
    claimed_ts: hasHolder ? maybe(random, past(random, now)) : null,
    ...settlement(random),
    earlier_settlements: random.chance(0.3) ? 'f'.repeat(32 * random.between(1, 20)) : null,
    submit_token: maybe(random, random.pick(TOKENS)),
    submit_index: maybe(random, random.between(0, 3)),
    result: random.chance(0.3) ? '{"n":1}' : null,
    error: random.chance(0.3) ? '{"code":"X"}' : null,
  };
}

function settlement(random: Random): Pick<StepRow, 'settled_token' | 'settled_version' | 'settled_by'> {
  if (random.chance(0.5)) return { settled_token: null, settled_version: null, settled_by: null };
  return {
    settled_token: maybe(random, random.pick(TOKENS)),
    settled_version: maybe(random, random.between(0, 3)),
    settled_by: maybe(random, random.pick([...INCARNATIONS.slice(0, 4), ...TOKENS.slice(0, 2)])),
  };
}

/** Most steps have one row, some have several. */
export function stepRows(random: Random, now: number): readonly StepRow[] {
  const found: StepRow[] = [];
  for (const id of STEP_IDS.filter(() => random.chance(0.8))) {
    const first = stepRow(random, now, id);
    found.push(first);
    while (random.chance(0.25)) found.push(again(random, now, first));
  }
  return found;
}

/** Another row of the step: the same but for some columns, or quite another. */
function again(random: Random, now: number, row: StepRow): StepRow {
  const other = stepRow(random, now, row.step_id);
  return random.chance(0.5) ? other : { ...row, row_id: other.row_id, status: other.status, version: other.version };
}

/** Of steps that the hot table still has, and of others; some twice, as two leaders archive them. */
export function archivedRows(random: Random, now: number, hot: readonly StepRow[]): readonly ArchivedRow[] {
  const copied = hot.filter(() => random.chance(0.2)).map((row) => archived(random, now, row));
  const others = STEP_IDS.filter(() => random.chance(0.3)).map((id) => archived(random, now, stepRow(random, now, id)));
  const once = [...copied, ...others];
  const twice = once.filter(() => random.chance(0.2)).map((row) => ({ ...row, archived_ts: row.archived_ts + 1 }));
  return [...once, ...twice];
}

function archived(random: Random, now: number, row: StepRow): ArchivedRow {
  return { ...row, version: random.chance(0.3) ? count(random) : row.version, archived_ts: past(random, now) };
}

/** The row as it was, or may have been, before. */
export function before(random: Random, now: number, row: StepRow): StepRow {
  // It was claimed and given back since, or settled and retried.
  if (random.chance(0.4)) return { ...row, version: Math.max(0, row.version - 1) };
  const other = stepRow(random, now, row.step_id);
  const { status, claim_token, claimed_by, claimed_incarnation, claimed_ts, last_update_ts } = other;
  const held = { status, claim_token, claimed_by, claimed_incarnation, claimed_ts, last_update_ts };
  return { ...row, ...held, version: random.chance(0.5) ? row.version : Math.max(0, row.version - 1) };
}

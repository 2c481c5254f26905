/**
 * How the texts read values: VARIANT paths, casts, differences of instants, and the fragments on a row that many texts share.
 *
 * Invariant: `null` is SQL's NULL. A missing key and JSON's null are both NULL once they are cast.
 */
import type { StepRow } from './tables.js';

/** `value:key`. */
export function path(value: unknown, ...keys: readonly string[]): unknown {
  let found: unknown = value;
  for (const key of keys) {
    if (found === null || typeof found !== 'object' || Array.isArray(found) || !Object.hasOwn(found, key)) return null;
    found = (found as Readonly<Record<string, unknown>>)[key];
  }
  return found ?? null;
}

/** `value::VARCHAR`. */
export function varchar(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const NUMBER = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*$/i;
/** NUMBER(38,0) holds less than this. */
const TOO_LARGE = 1e38;

/** `TRY_CAST(value::VARCHAR AS NUMBER(38,0))`. */
export function tryNumber(value: unknown): number | null {
  const text = varchar(value);
  if (text === null || !NUMBER.test(text)) return null;
  const number = Number(text);
  const rounded = Math.sign(number) * Math.round(Math.abs(number)); // half away from zero
  return Math.abs(rounded) < TOO_LARGE ? rounded + 0 : null;
}

/** `value::NUMBER(38,0)`: what cannot be cast fails the statement. */
export function number(value: unknown): number | null {
  if (value === null || value === undefined) return null;
  const cast = typeof value === 'boolean' ? Number(value) : tryNumber(value);
  if (cast === null) throw new Error(`Numeric value ${varchar(value)} is not recognized`);
  return cast;
}

/** `FLATTEN(INPUT => value)` of an array. */
export const elements = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);

/** No real request has a tenth of this length. */
const LONGEST_LIST = 10_000;
const isList = (value: unknown): boolean => Array.isArray(value) && value.length <= LONGEST_LIST;
/** `listOf` of the texts. */
export const listOf = (value: unknown): readonly unknown[] => (isList(value) ? (value as unknown[]) : []);

/** The value, at least 0 and at most `most`. */
export const clamped = (value: number, most: number): number => (value < 0 ? 0 : value > most ? most : value);

/** `DATEDIFF(millisecond, from, to)`. */
export const millisBetween = (from: number, to: number): number => Math.floor(to) - Math.floor(from);
/** `epochMs`. */
const epochMs = (instant: number): number => Math.floor(instant);

/** `askedWithin`: whether a request is not older than `ms`, and not dated ahead by more than a minute. */
export const askedWithin = (asked: number, ms: number, now: number): boolean =>
  asked > now - ms && asked < now + 60_000;

export const isTerminal = (status: string): boolean =>
  status === 'completed' || status === 'failed' || status === 'cancelled';

/** `typeOf`. */
export const typeOf = (row: StepRow): string | null => row.step_type ?? varchar(path(row.payload, 'type'));
/** `payloadOf`. */
const payloadOf = (row: StepRow): string =>
  row.payload_text ?? (row.payload === null || row.payload === undefined ? '{}' : JSON.stringify(row.payload));
/** `runAtOf`. */
const runAtOf = (row: StepRow): number => row.far_run_at ?? epochMs(row.run_at);

const LARGEST = 9_007_199_254_740_000;
const isCountable = (value: number): boolean => value >= 0 && value <= LARGEST;
const isBounded = (value: number): boolean => Math.abs(value) <= LARGEST;

/** `understood`: whether a row is a valid step. */
export function understood(row: StepRow): boolean {
  if (isTerminal(row.status)) return true;
  if (row.status !== 'pending' && (row.status !== 'claimed' || row.claim_token === null)) return false;
  return (
    typeOf(row) !== null &&
    isCountable(row.version) &&
    isCountable(row.retry_count) &&
    isCountable(row.crashes) &&
    isCountable(row.max_retries) &&
    isBounded(row.priority) &&
    isBounded(row.far_run_at ?? 0)
  );
}

/** `claimColumns`, as the driver names them. */
export const claimColumns = (row: StepRow) => ({
  ITS_TYPE: typeOf(row),
  ITS_PAYLOAD: payloadOf(row),
  ITS_PRIORITY: row.priority,
  RETRIES: row.retry_count,
  MOST_RETRIES: row.max_retries,
  STRUCK: row.crashes,
  RUN_AT_MS: runAtOf(row),
  CREATED_AT_MS: epochMs(row.created_ts),
});

/** Text is compared byte by byte. */
export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

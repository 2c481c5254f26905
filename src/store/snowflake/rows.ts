/** Turns rows of the driver into the types of the store contract. */
import type { Claim, Fence, FreshClaim, Orphan, PodRef, PodView, StepRecord } from '../contract.js';
import type { CountRow } from '../step-counts.js';
import type { StepStatus } from '../../step/step.js';
import { metaOf } from './pods/meta-encoding.js';
import type { Row } from './session/session-interface.js';

export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : '';
}

export function textOrNull(row: Row, column: string): string | null {
  return row[column] === null || row[column] === undefined ? null : text(row, column);
}

/** NULL counts as 0. */
export function number(row: Row | undefined, column: string): number {
  return Number(row?.[column] ?? 0);
}

/** How many rows a statement has written. Snowflake answers it in a column of this name. */
export function written(rows: readonly Row[], verb: 'inserted' | 'updated' | 'deleted'): number {
  return number(rows[0], `number of rows ${verb}`);
}

/** Columns of `claimColumns`. */
function claimPart(row: Row): Omit<Claim, keyof Fence> {
  return {
    type: text(row, 'ITS_TYPE'),
    payload: text(row, 'ITS_PAYLOAD'),
    priority: number(row, 'ITS_PRIORITY'),
    retryCount: number(row, 'RETRIES'),
    maxRetries: number(row, 'MOST_RETRIES'),
    crashes: number(row, 'STRUCK'),
    runAt: number(row, 'RUN_AT_MS'),
    createdAt: number(row, 'CREATED_AT_MS'),
  };
}

export function claimOf(row: Row, claimToken: string): FreshClaim {
  const dueForMs = Math.max(0, number(row, 'DUE_FOR_MS'));
  return { stepId: text(row, 'ID'), claimToken, version: number(row, 'SEEN'), ...claimPart(row), dueForMs };
}

export function fenceOf(row: Row): Fence {
  return { stepId: text(row, 'ID'), claimToken: text(row, 'GUARD'), version: number(row, 'SEEN') };
}

export function orphanOf(row: Row): Orphan {
  return {
    ...fenceOf(row),
    ...claimPart(row),
    holder: { podId: text(row, 'HOLDER_POD'), incarnation: text(row, 'HOLDER') },
    reason: text(row, 'STATE') as Orphan['reason'],
  };
}

/** Columns of `recordColumns`. */
export function recordOf(row: Row): StepRecord {
  return {
    stepId: text(row, 'ID'),
    ...claimPart(row),
    version: number(row, 'ITS_VERSION'),
    status: text(row, 'ITS_STATUS') as StepStatus,
    updatedAt: number(row, 'UPDATED_AT_MS'),
    claimedBy: textOrNull(row, 'HOLDER_POD'),
    claimedIncarnation: textOrNull(row, 'HOLDER'),
    result: textOrNull(row, 'ITS_RESULT'),
    error: textOrNull(row, 'ITS_ERROR'),
  };
}

/** Columns of `steps.stats`. */
export function countRowOf(row: Row): CountRow {
  const due = number(row, 'DUE_COUNT');
  return [
    text(row, 'ITS_TYPE'),
    text(row, 'ITS_STATUS'),
    number(row, 'ITS_PRIORITY'),
    number(row, 'STEPS'),
    due,
    due === 0 ? null : number(row, 'OLDEST_DUE_MS'),
  ];
}

export function podRefOf(row: Row): PodRef {
  return { podId: text(row, 'POD_NAME'), incarnation: text(row, 'ITS_INCARNATION') };
}

export function podOf(row: Row): PodView {
  return {
    pod: podRefOf(row),
    ageMs: Math.max(0, number(row, 'AGE_MS')),
    silentForMs: Math.max(0, number(row, 'SILENT_MS')),
    beat: text(row, 'NEWEST_BEAT'),
    heartbeatMs: number(row, 'BEATS_EVERY_MS'),
    deadAfterMs: number(row, 'DEAD_MS'),
    eligible: number(row, 'MAY_LEAD') === 1,
    asleep: number(row, 'SLEEPS') === 1,
    exited: false,
    meta: metaOf(textOrNull(row, 'SAYS'), textOrNull(row, 'SAID_FIRST')),
  };
}

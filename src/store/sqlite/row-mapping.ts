/** The rows that SQLite returns, as tuples, and their mapping to the types of the store contract. */
import type { FreshClaim, Orphan, PodView, StepRecord } from '../contract.js';
import type { ProcessMark } from './pods/process-table.js';
import { parseJson } from '../../step/payload.js';
import type { StepStatus } from '../../step/step.js';
import type { WallTimeConversion } from './clock/wall-time-conversion.js';

/** The columns of `RECORD`. */
export type RecordRow = readonly [
  stepId: string,
  type: string,
  payload: string,
  status: StepStatus,
  priority: number,
  retryCount: number,
  maxRetries: number,
  crashes: number,
  version: number,
  runAt: number,
  createdAt: number,
  updatedAt: number,
  claimedBy: string | null,
  claimedIncarnation: string | null,
  result: string | null,
  error: string | null,
  runAtWall: number | null,
];

/** The columns that rank a candidate. */
export type KeyRow = readonly [rowid: number, priority: number, runAt: number, type: string];

/** The columns of `CANDIDATE`. */
export type CandidateRow = readonly [
  ...KeyRow,
  stepId: string,
  version: number,
  payload: string,
  retryCount: number,
  maxRetries: number,
  crashes: number,
  createdAt: number,
  runAtWall: number | null,
];

export type OrphanRow = readonly [
  ...CandidateRow,
  token: string,
  podId: string,
  incarnation: string,
  reason: Orphan['reason'],
];

/** The last settlement of a step. */
export type SettledRow = readonly [
  status: StepStatus,
  version: number,
  token: string | null,
  settledVersion: number | null,
  by: string | null,
];

export type PodRow = readonly [
  podId: string,
  incarnation: string,
  birth: number,
  heard: number,
  beat: number,
  heartbeatMs: number,
  deadAfterMs: number,
  eligible: number,
  asleep: number,
  meta: string,
  ...process: ProcessRow,
  typesSeq: number | null,
];

/** NULL if the pod could not determine it, or registered under schema version 1. */
export type ProcessRow = readonly [pid: number | null, namespace: string | null, startedAt: number | null];

/** @param times converts instants to wall time */
export function recordOf(row: RecordRow, times: WallTimeConversion): StepRecord {
  return {
    stepId: row[0],
    type: row[1],
    payload: row[2],
    status: row[3],
    priority: row[4],
    retryCount: row[5],
    maxRetries: row[6],
    crashes: row[7],
    version: row[8],
    runAt: row[16] ?? times.of(row[9]),
    createdAt: times.of(row[10]),
    updatedAt: times.of(row[11]),
    claimedBy: row[12],
    claimedIncarnation: row[13],
    result: row[14],
    error: row[15],
  };
}

type Ranked = readonly [rowid: number, priority: number, runAt: number, ...rest: unknown[]];

/** The order of claims: priority descending, then due time, then row, which is the order of submission. */
export function byRank(a: Ranked, b: Ranked): number {
  return b[1] - a[1] || a[2] - b[2] || a[0] - b[0];
}

/**
 * @param raised by how much the row's version has risen since it was read: 1 by the claim itself
 * @param times converts instants to wall time
 */
export function claimOf(
  row: CandidateRow,
  claimToken: string,
  raised: 0 | 1,
  now: number,
  times: WallTimeConversion,
): FreshClaim {
  return {
    stepId: row[4],
    claimToken,
    version: row[5] + raised,
    type: row[3],
    payload: row[6],
    priority: row[1],
    retryCount: row[7],
    maxRetries: row[8],
    crashes: row[9],
    runAt: row[11] ?? times.of(row[2]),
    createdAt: times.of(row[10]),
    dueForMs: Math.max(0, now - row[2]),
  };
}

export function orphanOf(row: OrphanRow, times: WallTimeConversion): Orphan {
  const { dueForMs: _, ...claim } = claimOf(row as unknown as CandidateRow, row[12], 0, 0, times);
  return {
    ...claim,
    holder: { podId: row[13], incarnation: row[14] },
    reason: row[15],
  };
}

/** @param types the step types that the pod handles, from a table of their own */
export function podOf(row: PodRow, now: number, types: unknown): PodView {
  const meta = parseJson(row[9]);
  return {
    pod: { podId: row[0], incarnation: row[1] },
    ageMs: Math.max(0, now - row[2]),
    silentForMs: Math.max(0, now - row[3]),
    beat: String(row[4]),
    heartbeatMs: row[5],
    deadAfterMs: row[6],
    eligible: row[7] === 1,
    asleep: row[8] === 1,
    exited: false,
    meta: { ...(typeof meta === 'object' ? meta : {}), ...(types === undefined ? {} : { types }) },
  };
}

export function processOf([pid, namespace, startedAt]: ProcessRow): ProcessMark | undefined {
  if (pid === null || namespace === null || startedAt === null) return undefined;
  return { pid, namespace, startedAt };
}

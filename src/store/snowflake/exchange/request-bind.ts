/** The bind of the exchange's UPDATE: this pod's request, with its settlements. */
import { createHash } from 'node:crypto';
import type { ClaimRequest, PodRef } from '../../contract.js';
import { BATCH } from './settlements.js';

/** Requests older than this are not served. It stays far below the time that terminal steps stay in the hot table. */
export const REQUEST_WINDOW_MS = 60_000;

export interface RequestOfPod {
  readonly pod: PodRef;
  readonly claim: ClaimRequest | undefined;
  /** The token under which it claims. */
  readonly token: string;
  readonly seq: number;
  /** How many candidates are skipped. */
  readonly skip: number;
  /** The settlements, as a JSON array. */
  readonly settlements: string;
}

export function requestBind({ pod, claim, token, seq, skip, settlements }: RequestOfPod): string {
  const { free = 0, prefetch = 0, quarantine = 0 } = claim ?? {};
  const types = [...(claim?.types ?? [])];
  const group = groupOf(types.map(([type]) => type));
  const own = JSON.stringify({
    token,
    pod: pod.podId,
    incarnation: pod.incarnation,
    seq,
    group,
    free: Math.min(free, BATCH),
    prefetch: Math.min(prefetch, Math.max(0, BATCH - free)),
    quarantine,
    limits: types.map(([type, most]) => ({ type, most: Math.min(most, free + prefetch) })),
  });
  const request = `${own.slice(0, -1)},"settlements":${settlements}}`;
  return `{"windowMs":${REQUEST_WINDOW_MS},"group":"${group}","skip":${skip},"own":${request}}`;
}

/** Pods that want the same types are one group, whatever the order of the types. */
function groupOf(types: readonly string[]): string {
  return createHash('sha1')
    .update(JSON.stringify([...types].sort()))
    .digest('hex');
}

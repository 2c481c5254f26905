/** The bind of a request: this pod's demand and its settlements, as they are logged or sent with the UPDATE. */
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
  /** How many candidates the UPDATE skips. */
  readonly skip: number;
  /** The settlements, as a JSON array. */
  readonly settlements: string;
}

/** The bind of {@link ExchangeStatements.ask}. @param slotMs what an exchange of the pod through the log takes in the warehouse */
export function askBind(request: RequestOfPod, slotMs: number): string {
  return requestOf(request, { slotMs: Math.round(slotMs) });
}

/** The bind of {@link ExchangeStatements.exchange}. @param windowMs 0: it serves this request alone */
export function updateBind(request: RequestOfPod, windowMs = REQUEST_WINDOW_MS): string {
  const group = groupOf(typesOf(request.claim));
  return `{"windowMs":${windowMs},"group":"${group}","skip":${request.skip},"own":${requestOf(request)}}`;
}

function requestOf({ pod, claim, token, seq, settlements }: RequestOfPod, more: object = {}): string {
  const { free = 0, prefetch = 0, quarantine = 0 } = claim ?? {};
  const request = JSON.stringify({
    token,
    pod: pod.podId,
    incarnation: pod.incarnation,
    seq,
    group: groupOf(typesOf(claim)),
    free: Math.min(free, BATCH),
    prefetch: Math.min(prefetch, Math.max(0, BATCH - free)),
    quarantine,
    limits: [...(claim?.types ?? [])].map(([type, most]) => ({ type, most: Math.min(most, free + prefetch) })),
    ...more,
  });
  return `${request.slice(0, -1)},"settlements":${settlements}}`;
}

function typesOf(claim: ClaimRequest | undefined): string[] {
  return [...(claim?.types.keys() ?? [])];
}

/** Pods that want the same types are one group, whatever the order of the types. */
export function groupOf(types: readonly string[]): string {
  return createHash('sha1')
    .update(JSON.stringify([...types].sort()))
    .digest('hex');
}

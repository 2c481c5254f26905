/** Requests as the texts read them, and which of them need nothing more. */
import type { RequestRow, View } from '../tables.js';
import { clamped, listOf, path, tryNumber, understood, varchar } from '../values.js';
import { type Settlement, settlementOf, stands } from './exchange-settlements.js';

const MOST_SLOTS = 1_000_000;

/** `request` of the texts: a request with its values made safe. */
export interface Request {
  readonly its_token: string;
  readonly its_pod: string | null;
  readonly its_incarnation: string | null;
  readonly seq: number | null;
  readonly its_group: string | null;
  readonly since_ts: number;
  readonly slots: number;
  readonly ahead: number;
  readonly isolates: 0 | 1;
  /** How long the list of its types is. */
  readonly width: number;
  /** Its types, each with its greatest limit; `undefined` if no limit can be read. */
  readonly limits: ReadonlyMap<string, number | undefined>;
  readonly settlements: readonly Settlement[];
  /** It owes nothing, and it is sure that this is so from the commit of this number on. Only for a request that is logged. */
  settledSince?: number;
  readonly isLogged: boolean;
}

/** Rows never change, so each is read once. It stands on the row: there are a thousand to a look, and a WeakMap is slow. */
const READ = Symbol('request');

function loggedRequest(row: RequestRow & { [READ]?: Request }): Request {
  let request = row[READ];
  if (request === undefined) {
    const { token: its_token, pod_id: its_pod, incarnation: its_incarnation, seq, group_id: its_group, asked_ts } = row;
    const heads = { its_token, its_pod, its_incarnation, seq, its_group, since_ts: asked_ts };
    request = {
      ...heads,
      ...safe(row.free, row.prefetch, row.quarantine, row.limits, row.settlements),
      isLogged: true,
    };
    row[READ] = request;
  }
  return request;
}

/** `own` of the bind; absent without a token. Its numbers are those of a pod, so they can be read. */
function ownRequest(own: unknown, now: number): Request | undefined {
  const its_token = varchar(path(own, 'token'));
  if (its_token === null) return undefined;
  const count = (key: string): number => tryNumber(path(own, key)) ?? 0;
  return {
    its_token,
    its_pod: varchar(path(own, 'pod')),
    its_incarnation: varchar(path(own, 'incarnation')),
    seq: tryNumber(path(own, 'seq')),
    its_group: varchar(path(own, 'group')),
    since_ts: now,
    isLogged: false,
    ...safe(count('free'), count('prefetch'), count('quarantine'), path(own, 'limits'), path(own, 'settlements')),
  };
}

function safe(free: number, prefetch: number, quarantine: number, limits: unknown, settlements: unknown) {
  const types = new Map<string, number | undefined>();
  for (const value of listOf(limits)) {
    const [type, most] = [varchar(path(value, 'type')), tryNumber(path(value, 'most'))];
    if (type === null) continue; // no step has such a type
    const limit = most === null ? undefined : clamped(most, MOST_SLOTS);
    const known = types.get(type);
    types.set(type, limit === undefined || known === undefined ? (limit ?? known) : Math.max(limit, known));
  }
  return {
    slots: clamped(free, MOST_SLOTS),
    ahead: clamped(prefetch, MOST_SLOTS),
    isolates: quarantine === 1 ? 1 : 0,
    width: listOf(limits).length,
    limits: types,
    settlements: listOf(settlements).map(settlementOf),
  } as const;
}

/**
 * The newest request of each incarnation that was logged within the window, or is the pod's own. The text leaves open which of two with
 * the same number counts; here it is the pod's own, then the one that was logged first.
 */
export function requestsIn(view: View, windowMs: number | null, now: number, own?: unknown): readonly Request[] {
  const newest = windowMs === null ? [] : view.newestRequests(windowMs, now).map(loggedRequest);
  const inline = ownRequest(own, now);
  if (inline === undefined) return newest;
  const other = newest.findIndex(({ its_incarnation }) => its_incarnation === inline.its_incarnation);
  if (other < 0) newest.push(inline);
  else if (inline.seq === null || inline.seq >= (newest[other]?.seq ?? Infinity)) newest[other] = inline;
  return newest;
}

/** `served` of the texts: whether any row was claimed or settled under the token. */
export const isServed = (view: View, token: string): boolean => view.isTokenUsed(token);

/** `ended` of the texts: whether the incarnation has left or was evicted. */
export const isEnded = (view: View, incarnation: string | null): boolean =>
  incarnation !== null && view.podLogOf(incarnation).some(({ event }) => event === 'left' || event === 'evicted');

/** `owing` of the texts: whether a claim stands that the request settles. */
export function isOwing(view: View, request: Request): boolean {
  const { settlements, settledSince } = request;
  if (settlements.length === 0) return false;
  if (settledSince !== undefined && view.seesUntil() >= settledSince) return false;
  let isSure = true;
  for (const one of settlements) {
    for (const step of one.its_step === null ? [] : view.stepsById(one.its_step)) {
      if (stands(step, one) && understood(step)) return true;
      // A row that has come past the claim never comes back to it.
      if (one.seen === null || step.version <= one.seen) isSure = false;
    }
  }
  if (isSure && request.isLogged && view.isFresh()) request.settledSince = view.seesUntil();
  return false;
}

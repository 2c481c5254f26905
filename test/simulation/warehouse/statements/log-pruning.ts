/** The models of the leader's housekeeping in the logs of requests and of pods. */
import type { PodLogRow, RequestRow, StatementModel, View } from '../tables.js';
import { limitOf } from './since.js';

/** Requests that a newer one replaces, and old ones of incarnations that the log of pods does not know. */
export function oldRequests(view: View, bind: unknown, now: number): readonly RequestRow[] {
  const newest = newestSeq(view.requests());
  const knownPods = new Set<string>();
  for (const { incarnation } of view.podLog()) knownPods.add(incarnation);
  const replaced = limitOf(bind, 'windowMs', now);
  const forgotten = limitOf(bind, 'forgetMs', now);
  return [...view.requests()].filter(
    (row) =>
      (row.seq < (newest.get(row.incarnation) ?? NaN) && row.asked_ts < replaced) ||
      (!knownPods.has(row.incarnation) && row.asked_ts < forgotten),
  );
}

function newestSeq(rows: Iterable<Pick<PodLogRow, 'incarnation' | 'seq'>>): ReadonlyMap<string, number> {
  const newest = new Map<string, number>();
  for (const { incarnation, seq } of rows) {
    if (seq !== null && !(seq <= (newest.get(incarnation) ?? -Infinity))) newest.set(incarnation, seq);
  }
  return newest;
}

export const pruneRequests: StatementModel = (view, { now, bind }) => {
  const keyOf = ({ token, incarnation, seq }: RequestRow): string => JSON.stringify([token, incarnation, seq]);
  const old = new Set(oldRequests(view, bind, now).map(keyOf));
  return { rows: [], deleteRequests: (row) => old.has(keyOf(row)) };
};

const repeats = ({ event }: PodLogRow): boolean => event === 'heartbeat' || event === 'asleep';

/** Signs of life below the newest of their incarnation. */
export function oldHeartbeats(view: View, limit: number): readonly PodLogRow[] {
  const newest = newestSeq(view.podLog());
  return [...view.podLog()].filter(
    (row) => repeats(row) && row.seq !== null && row.seq < (newest.get(row.incarnation) ?? NaN) && row.at_ts < limit,
  );
}

export const pruneHeartbeats: StatementModel = (view, { now, bind }) => {
  const keyOf = ({ incarnation, seq }: PodLogRow): string => JSON.stringify([incarnation, seq]);
  const old = new Set(oldHeartbeats(view, limitOf(bind, 'windowMs', now)).map(keyOf));
  return { rows: [], deletePodLog: (row) => repeats(row) && old.has(keyOf(row)) };
};

/** What the log says of an incarnation. */
interface Past {
  latest: number;
  newestSeq: number;
  newestEvent: string | null;
  isRegistered: boolean;
  isGone: boolean;
}

/** Those that hold no claim. As long as one holds a claim, recovery needs its log. */
function pasts(view: View): ReadonlyMap<string, Past> {
  const holders = new Set<string | null>();
  for (const { claimed_incarnation } of view.claimed()) holders.add(claimed_incarnation);
  const found = new Map<string, Past>();
  for (const row of view.podLog()) if (!holders.has(row.incarnation)) remember(found, row);
  return found;
}

function remember(found: Map<string, Past>, { incarnation, event, seq, at_ts }: PodLogRow): void {
  let past = found.get(incarnation);
  if (past === undefined) {
    past = { latest: -Infinity, newestSeq: -Infinity, newestEvent: null, isRegistered: false, isGone: false };
    found.set(incarnation, past);
  }
  past.latest = Math.max(past.latest, at_ts);
  past.isRegistered ||= event === 'registered';
  past.isGone ||= event === 'left' || event === 'evicted';
  if (seq !== null && seq > past.newestSeq) [past.newestSeq, past.newestEvent] = [seq, event];
}

type Judge = (past: Past) => boolean;

/** It has left, was evicted, or has slept for longer than any pod does that lives. */
export function isFinal(bind: unknown, now: number): Judge {
  const dead = limitOf(bind, 'asleepMs', now);
  return ({ isGone, newestEvent, latest, isRegistered }) =>
    (isGone || (newestEvent === 'asleep' && latest < dead)) && isRegistered;
}

export const isUnregistered: Judge = ({ isRegistered }) => !isRegistered;

export function forgettable(view: View, bind: unknown, now: number, judge: Judge): ReadonlySet<string> {
  const limit = limitOf(bind, 'forgetMs', now);
  const found = [...pasts(view)].filter(([, past]) => judge(past) && past.latest < limit);
  return new Set(found.map(([incarnation]) => incarnation));
}

export const forgetPods: StatementModel = (view, { now, bind }) => {
  const gone = forgettable(view, bind, now, isFinal(bind, now));
  return { rows: [], deletePodLog: ({ incarnation, event }) => event === 'registered' && gone.has(incarnation) };
};

export const forgetUnregistered: StatementModel = (view, { now, bind }) => {
  const gone = forgettable(view, bind, now, isUnregistered);
  return { rows: [], deletePodLog: ({ incarnation }) => gone.has(incarnation) };
};

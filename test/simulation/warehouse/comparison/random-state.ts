/**
 * A random state of all tables: many steps, pods and requests that do not meet, so that one statement checks much, and enough that do.
 *
 * Invariant: what the texts leave open is not in it. Two signs of life of an incarnation with one number are equal but for their
 * time, no request has the number of a sign, and each registration says something of its pod.
 */
import type { Random } from '../../../chaos/random.js';
import type { PodLogRow, RequestRow } from '../tables.js';
import { archivedRows, before, stepRow, stepRows } from './random-steps.js';
import { about, INCARNATIONS, maybe, past, podOf, some, TOKENS, TYPES, WINDOWS } from './random-values.js';
import type { State } from './state.js';

export interface StateOptions {
  /** Whether an INSERT into the logs may have been applied twice. Default: true. */
  readonly doubles?: boolean;
}

export function randomState(random: Random, now: number, { doubles = true }: StateOptions = {}): State {
  const steps = stepRows(random, now);
  return {
    steps,
    archive: archivedRows(random, now, steps),
    requests: doubled(random, requestRows(random, now), 'asked_ts', doubles),
    podLog: doubled(random, podLogRows(random, now), 'at_ts', doubles),
    schemaInfo: Array.from({ length: random.between(0, 3) }, () => ({
      version: random.between(1, 4),
      oldest_allowed: random.between(1, 4),
      at_ts: past(random, now),
    })),
  };
}

function doubled<R extends object>(random: Random, rows: readonly R[], at: keyof R, doubles: boolean): readonly R[] {
  const again = doubles ? rows.filter(() => random.chance(0.05)) : [];
  return [...rows, ...again.map((row) => ({ ...row, [at]: Number(row[at]) + random.between(0, 2_000) }))];
}

// ---- requests ----

/** What people have written, or a pod of another version. */
const NO_LISTS: readonly unknown[] = [null, 'text', 5, {}, { type: 'mail', most: 1 }];

function requestRows(random: Random, now: number): readonly RequestRow[] {
  return INCARNATIONS.flatMap((incarnation, pod) =>
    Array.from({ length: random.chance(0.7) ? random.between(1, 4) : 0 }, (_, n) =>
      requestRow(random, now, incarnation, { seq: 2 * n + 1, token: `request-${pod}-${n}` }),
    ),
  );
}

function requestRow(
  random: Random,
  now: number,
  incarnation: string,
  { seq, token }: Pick<RequestRow, 'seq' | 'token'>,
): RequestRow {
  const isSound = random.chance(0.9);
  return {
    token: random.chance(0.3) ? random.pick(TOKENS) : token,
    pod_id: podOf(incarnation),
    incarnation,
    seq,
    group_id: random.pick(['group-a', 'group-a', 'group-b']),
    free: isSound ? random.between(0, 4) : random.between(-1, 2_000_000),
    prefetch: isSound ? random.between(0, 2) : -1,
    quarantine: isSound ? random.between(0, 1) : 2,
    limits: random.chance(0.9) ? limits(random) : random.pick(NO_LISTS),
    settlements: random.chance(0.9) ? settlements(random) : random.pick(NO_LISTS),
    slot_ms: maybe(random, random.pick([0, 450, 900, 600_000, 600_001, -1]), 0.3),
    asked_ts: about(random, now),
  };
}

const limits = (random: Random): readonly object[] =>
  some(random, TYPES, 3).map((type) => ({ type, most: random.pick([0, 1, 2, 5]) }));

const settlements = (random: Random): readonly object[] =>
  Array.from({ length: random.between(0, 2) }, () => {
    const { step_id: id, version } = stepRow(random, 0);
    return {
      id,
      token: random.pick(TOKENS),
      version,
      status: random.pick(['completed', 'pending', 'failed']),
      charge: 1,
      crash: 0,
    };
  });

// ---- the log of pods ----

function podLogRows(random: Random, now: number): readonly PodLogRow[] {
  return INCARNATIONS.flatMap((incarnation) => (random.chance(0.85) ? signs(random, now, incarnation) : []));
}

/** In any order of time, and in any of numbers. */
function signs(random: Random, now: number, incarnation: string): readonly PodLogRow[] {
  const events = Array.from({ length: random.between(1, 6) }, () =>
    random.weighted({ registered: 3, heartbeat: 5, asleep: 2, left: 0.4, evicted: 0.4 }),
  );
  const isOld = random.chance(0.5);
  return events.map((event, n) => ({
    pod_id: random.chance(0.98) ? podOf(incarnation) : 'pod-x',
    incarnation,
    event,
    seq: event === 'evicted' || random.chance(0.02) ? null : 2 * n,
    at_ts: isOld ? past(random, now) - random.pick([0, WINDOWS.keep, WINDOWS.asleep]) : about(random, now),
    heartbeat_ms: random.chance(0.5) ? random.between(1, 3) * 500 : null,
    dead_after_ms: random.chance(0.5) ? random.pick([WINDOWS.dead, WINDOWS.minute]) : null,
    eligible: random.chance(0.5) ? random.between(0, 1) : null,
    meta_text: event === 'registered' || random.chance(0.5) ? random.pick(['{}', '{"types":["mail"]}']) : null,
  }));
}

// ---- the past ----

/** The state as it may have been before: rows were changed since, were added, and were removed. */
export function earlier(random: Random, now: number, state: State): State {
  const more = randomState(random, now);
  const kept = <R>(rows: readonly R[], others: readonly R[]): readonly R[] => [
    ...rows.filter(() => random.chance(0.85)),
    ...others.filter(() => random.chance(0.15)),
  ];
  return {
    steps: kept(state.steps, more.steps).map((row) => (random.chance(0.4) ? before(random, now, row) : row)),
    archive: kept(state.archive, more.archive),
    requests: kept(state.requests, []),
    podLog: kept(state.podLog, []),
    schemaInfo: state.schemaInfo,
  };
}

/** What the world of a plan permits. */
import { patienceMs } from '../plan/patience.js';
import type { Action, Plan } from '../plan/plan.js';
import { DEFAULT_BOUNDS, type Bounds } from './bounds.js';

/** How long the box keeps finished steps. */
const KEEP_MS = 600_000;
/** The longest that a statement takes in the warehouse world, its wait for the table included: so old may its source be. */
const STATEMENT_MS = 5_000;
/** The longest that an UPDATE works there once it has read: 60 ms, and some for its rows. */
const WORK_MS = 100;
/** The world draws each time around its figure, up to so many times it. */
const MOST_DRAWN = 1.5;
/** A pod that sleeps asks each second whether anything has changed, and a suspended warehouse must resume. */
const WAKE_MS = 6_000;
/** For so long, at most, a request stays without an answer. */
const HANG_MS = 35_000;
/** Longer than a step waits if nothing goes wrong but that pods die, shorter than a request counts in the log. */
const GENTLE_WAIT_MS = 40_000;
/** More than any run lasts: what is due is then not judged. */
const PARTED_MS = 600_000;

export function boundsOf(plan: Plan): Bounds {
  const { world, hazards, habits, pods, actions } = plan;
  const deadAfterMs = Math.max(...pods.map((pod) => pod.deadAfterMs));
  const clockSlackMs = actions.some(partsClocks) ? PARTED_MS : DEFAULT_BOUNDS.clockSlackMs;
  const common = {
    ...DEFAULT_BOUNDS,
    faultEchoMs: 2 * deadAfterMs,
    clockSlackMs,
    keepMs: habits?.keepMs ?? KEEP_MS,
    waitBoundMs: DEFAULT_BOUNDS.waitBoundMs + patienceMs(plan),
  };
  if (world === 'sqlite') {
    const lateCalls = hazards.lateApplication > 0 || hazards.duplicate > 0;
    return { ...common, lateCalls, provesExits: habits?.provesExits === true };
  }
  const mayHang = hazards.lostReply > 0 || hazards.lateApplication > 0;
  return {
    ...common,
    twoRows: true,
    exactOrder: false,
    staleReadMs: hazards.lateReadMs,
    lateCalls: true,
    mayHang,
    wakeBoundMs: WAKE_MS + hazards.tokenLateMs + (mayHang ? HANG_MS : 0),
    latenessMs: hazards.lateReadMs + (hazards.oldSources ? STATEMENT_MS : 0),
    workMs: WORK_MS + MOST_DRAWN * (hazards.small?.slowerMs ?? 0),
    clockSlackMs: 1_000,
    ...(isGentle(plan) && { waitBoundMs: GENTLE_WAIT_MS }),
  };
}

/**
 * Whether an action parts the monotonic clocks of machines. On SQLite they are one host's in truth, and the store's clock is made of
 * them: it then runs ahead by more with each heartbeat.
 */
function partsClocks(action: Action): boolean {
  return action.do === 'suspend' || action.do === 'drift' || (action.do === 'freeze' && action.monotonic === 'stops');
}

/** Whether the store does nothing wrong by itself, and no handler keeps its slot for long. */
function isGentle({ hazards, actions }: Plan): boolean {
  const { lostReply, failure, lateApplication, duplicate, lateReadMs } = hazards;
  if (lostReply + failure + lateApplication + duplicate + lateReadMs > 0) return false;
  return actions.every((action) => action.do !== 'submit' || action.behaviour.does === 'returns');
}

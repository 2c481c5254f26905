/**
 * The end of a run: the fleet drains, finds its dead, and agrees on a leader.
 *
 * Invariants:
 * - It ends: the fleet has a bounded time.
 * - How long a fleet runs on that has nothing left to do is decided by the plan. Some run on for long, so that what goes wrong
 *   only in peace is found too.
 */
import type { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';
import { DEFAULT_RHYTHM } from '../../../src/store/snowflake/default-rhythm.js';
import { patienceMs } from '../plan/patience.js';
import type { Plan } from '../plan/plan.js';
import type { RowChange, World } from '../worlds/world.js';
import type { FleetBox } from './fleet-box.js';
import { isThorough } from './thorough.js';

/** How long a fleet has to drain after the last fault, in ms, unless it is large, or its handlers wait for steps behind them. */
const DRAIN_LIMIT_MS = 120_000;
/** A step that kills each pod that runs it ends with its fourth death: more than `maxCrashes`. */
const DEATHS = 4;
/**
 * On Snowflake the heartbeats of a large fleet come less often, with room for a quarter more pods. The interval shrinks once three quarters
 * of it suffice. (Decision 0033.)
 */
const HEARTBEAT_PER_POD_MS = (DEFAULT_RHYTHM.heartbeatPerPodMs * 1.25) / 0.75;
/** A pod is dead after four intervals. The leader looks once in an interval, so it begins and ends to count up to one later. */
const HEARTBEATS_TO_EVICTION = 6;
/** From an eviction until the step runs again. */
const NEXT_RUN_MS = 5_000;
/** Between two looks at whether it has. */
const LOOK_MS = 500;
/** Some fleets run on until each of their pods could have been declared dead, and for so many heartbeats more. */
const LONG_HEARTBEATS = 6;
/** The others, for so many heartbeats. */
const SHORT_HEARTBEATS = 3;

/** Between two rounds of housekeeping, at most: it removes steps whose retention is over. */
const HOUSEKEEPING_MS = 5_000;
/** Steps that are due later than this are not waited for: a clock was set back. */
const FAR_MS = 60_000;

/** The incarnations that are registered, and have neither left nor been evicted. */
export class Members {
  readonly #incarnations = new Set<string>();

  note(change: RowChange): void {
    if (change.kind !== 'member') return;
    if (change.event === 'registered') this.#incarnations.add(change.incarnation);
    else this.#incarnations.delete(change.incarnation);
  }

  /** Whether none of them is of a process that is gone, or that has drained permanently. */
  live({ alive }: FleetBox): boolean {
    const living = new Set(alive.filter(({ drained }) => !drained).map(({ incarnation }) => incarnation));
    return [...this.#incarnations].every((incarnation) => living.has(incarnation));
  }

  /** Whether one of them is of a process that has drained permanently. If its leaving has failed, its peers evict it. */
  anyDrained({ alive }: FleetBox): boolean {
    return alive.some(({ drained, incarnation }) => drained && this.#incarnations.has(incarnation));
  }
}

export async function drain(
  plan: Plan,
  root: VirtualRuntime,
  { box, world, members }: { readonly box: FleetBox; readonly world: World; readonly members: Members },
): Promise<void> {
  const startedAt = root.monotonicMs();
  const ownMs = plan.world === 'warehouse' ? drainLimitMs(box.alive.length) : DRAIN_LIMIT_MS;
  const limitMs = ownMs + patienceMs(plan);
  const longMs = Math.max(
    ...plan.pods.map(({ deadAfterMs, heartbeatMs }) => deadAfterMs + LONG_HEARTBEATS * heartbeatMs),
  );
  const shortMs = SHORT_HEARTBEATS * Math.max(...plan.pods.map(({ heartbeatMs }) => heartbeatMs));
  const keepMs = plan.habits?.keepMs;
  // A run does not wait for a retention that is longer than it may drain.
  const removedMs = keepMs === undefined || keepMs > ownMs ? 0 : keepMs + HOUSEKEEPING_MS;
  const atLeastMs = Math.max(removedMs, isThorough(plan) ? longMs : shortMs);
  for (;;) {
    await root.advance(LOOK_MS);
    box.complete(); // a pod that was superseded drains, and is replaced
    const ranFor = root.monotonicMs() - startedAt;
    if (ranFor > limitMs) return;
    const counts = (type: string) => ranFor <= ownMs || isHandled(plan, type);
    if (ranFor <= atLeastMs || !isDrained(world, root.monotonicMs(), counts) || !isLed(box) || !isWell(box)) continue;
    if (members.live(box)) return;
    if (ranFor > longMs && !members.anyDrained(box)) return; // nobody finds the dead while all sleep
  }
}

/** Long enough for a step that kills its pods, one after the other, to fail. */
function drainLimitMs(pods: number): number {
  const evictionMs = HEARTBEATS_TO_EVICTION * HEARTBEAT_PER_POD_MS * pods;
  return Math.max(DRAIN_LIMIT_MS, DEATHS * (evictionMs + NEXT_RUN_MS));
}

/**
 * Of a step with two rows one may stay pending until housekeeping removes it, which may be much later.
 *
 * @param counts which types must be drained
 */
function isDrained(world: World, now: number, counts: (type: string) => boolean): boolean {
  const { steps } = world.rows();
  if (steps.some(({ status }) => status === 'claimed')) return false;
  const ended = new Set(steps.filter(({ status }) => status !== 'pending').map(({ stepId }) => stepId));
  return steps.every(({ stepId, dueAt, type }) => ended.has(stepId) || dueAt > now + FAR_MS || !counts(type));
}

/** Whether a pod handles the type. A step of another stays pending for as long as a run lasts: nobody waits longer for it. */
function isHandled({ pods }: Plan, type: string): boolean {
  return pods.some(({ types, many }) => many !== undefined || types.includes(type));
}

/** One pod leads; none, if all sleep. */
function isLed(box: FleetBox): boolean {
  const alive = box.alive.filter(({ drained }) => !drained).map(({ queue }) => queue.health());
  return alive.filter(({ isLeader }) => isLeader).length === 1 || alive.every(({ asleep }) => asleep);
}

/**
 * A call that was lost before the calm may hang for a while, and with it the handler that made it, also on a pod that has drained. A pod
 * learns of a cancel with its next query, and its handler runs on until then.
 */
function isWell(box: FleetBox): boolean {
  if (box.processes.some(({ gone, openCalls }) => !gone && openCalls > 0)) return false;
  return box.alive.every(({ queue, drained }) => {
    const { reasons, strays, currentCapacity } = queue.health();
    return strays === 0 && currentCapacity === 0 && (drained || reasons.length === 0);
  });
}

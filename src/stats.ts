/** Builds the reports of `stats()` and `leader()` from the counts of the store and the state that pods report. */
import type { Runtime } from './runtime/runtime.js';
import { mapInSlices } from './runtime/time-slices.js';
import { isLive, type PacingReport, type PodView, type StatusCounts, type StoreStats } from './store/contract.js';

/** The options of `stats()`. */
export interface StatsOptions {
  /**
   * The greatest age of the answer, in ms. Counts of this process that are younger are returned again, and calls at the same
   * time share one count. With 0, the default, the store is asked, and the answer shows all that was written before the call.
   */
  readonly maxAgeMs?: number;
}

/** The result of `stats()`. */
export interface QueueStats {
  readonly pendingSteps: number;
  readonly claimedSteps: number;
  readonly completedSteps: number;
  readonly failedSteps: number;
  readonly cancelledSteps: number;
  /** The number of pods that are awake and have sent a heartbeat within their own `deadAfterMs`. */
  readonly activePods: number;
  /** The number of pods that sleep. They wake when a step is submitted or falls due. */
  readonly asleepPods: number;
  /** The `podId` of the leader; `null` if no pod leads. */
  readonly currentLeader: string | null;
  /** The number of pending steps for each priority. */
  readonly queueDepthByPriority: Readonly<Record<string, number>>;
  readonly stepsByType: Readonly<Record<string, StatusCounts>>;
  /** The running handlers and the slots of each live pod, by `podId`. */
  readonly podCapacity: Readonly<Record<string, { readonly current: number; readonly max: number }>>;
  /** The number of pending steps that are due now. */
  readonly dueSteps: number;
  /** How long the oldest due step has been due, in ms; `null` if no step is due. */
  readonly oldestDueMs: number | null;
  /**
   * Types that have pending steps, and that no pod handles that is live or asleep. If such a pod on Snowflake has a list of types
   * longer than 200 kB, the list is not stored, the pod counts as handling every type, and this is empty.
   */
  readonly unhandledTypes: readonly string[];
  /** The number of this pod's handlers that still run after their claims were aborted. */
  readonly strays: number;
  /** How the store paces the exchanges of this pod, as of now, even if the counts are older; absent on SQLite, and in a process that has started no pod. */
  readonly store?: PacingReport;
  /** How long ago the store gave these counts, in ms; 0 if the call has asked it. */
  readonly ageMs: number;
  /** How long it took to count, in ms. */
  readonly tookMs: number;
}

/** Counts without their age. */
export type Counted = Omit<QueueStats, 'store' | 'ageMs' | 'tookMs'>;

/** The result of `leader()`. */
export interface LeaderReport {
  /** The `podId` of the leader; `null` if no pod leads. */
  readonly currentLeader: string | null;
  /** How long the leader has been in the fleet, in ms; `null` if no pod leads. */
  readonly leaderAgeMs: number | null;
  /** The number of pods that are awake and have sent a heartbeat within their own `deadAfterMs`. */
  readonly activePods: number;
  /** How old this view of the fleet is, in ms; 0 if it was read just now. */
  readonly lastElectionCheckMs: number;
  /** Live eligible pods, the oldest first. */
  readonly eligiblePods: readonly string[];
}

/** The fleet as this process knows it. */
export interface FleetSnapshot {
  readonly pods: readonly PodView[];
  readonly leader: PodView | undefined;
  readonly seenMsAgo: number;
}

/**
 * The step types that those of these pods handle that are live, or asleep: these wake for a step that is due. `undefined`: the
 * list of one of them is too long to be stored, so that pod may handle any type.
 */
export async function handledTypes(
  runtime: Runtime,
  pods: readonly PodView[],
): Promise<ReadonlySet<unknown> | undefined> {
  const able = pods.filter((pod) => isLive(pod) || isAsleep(pod));
  if (able.some(({ meta }) => meta['typesOmitted'] === true)) return undefined;
  const handled = new Set<unknown>();
  for (const { meta } of able)
    if (Array.isArray(meta['types'])) await mapInSlices(runtime, meta['types'], (type) => handled.add(type));
  return handled;
}

export async function queueStats(
  runtime: Runtime,
  store: StoreStats,
  fleet: FleetSnapshot,
  strays: number,
): Promise<Counted> {
  const live = fleet.pods.filter(isLive);
  const handled = await handledTypes(runtime, fleet.pods);
  const unhandledTypes: string[] = [];
  await mapInSlices(runtime, Object.keys(store.byType), (type) => {
    if ((store.byType[type]?.pending ?? 0) > 0 && handled?.has(type) === false) unhandledTypes.push(type);
  });
  const { byStatus } = store;
  return {
    pendingSteps: byStatus.pending,
    claimedSteps: byStatus.claimed,
    completedSteps: byStatus.completed,
    failedSteps: byStatus.failed,
    cancelledSteps: byStatus.cancelled,
    activePods: live.length,
    asleepPods: fleet.pods.filter(isAsleep).length,
    currentLeader: fleet.leader?.pod.podId ?? null,
    queueDepthByPriority: store.pendingByPriority,
    stepsByType: store.byType,
    podCapacity: Object.fromEntries(
      live.map((pod) => [pod.pod.podId, { current: count(pod, 'running'), max: count(pod, 'slots') }]),
    ),
    dueSteps: store.due,
    oldestDueMs: store.oldestDueMs,
    unhandledTypes,
    strays,
  };
}

export function leaderReport({ pods, leader, seenMsAgo }: FleetSnapshot): LeaderReport {
  const live = pods.filter(isLive);
  const eligible = live.filter((pod) => pod.eligible).sort((a, b) => b.ageMs - a.ageMs);
  return {
    currentLeader: leader?.pod.podId ?? null,
    leaderAgeMs: leader?.ageMs ?? null,
    activePods: live.length,
    lastElectionCheckMs: seenMsAgo,
    eligiblePods: eligible.map((pod) => pod.pod.podId),
  };
}

/** Whether it will wake: a process that has exited does not. */
function isAsleep({ asleep, exited }: PodView): boolean {
  return asleep && !exited;
}

function count(pod: PodView, key: 'running' | 'slots'): number {
  const value = pod.meta[key];
  return typeof value === 'number' ? value : 0;
}

/** The reports that put together what the store counts and what the pods say of themselves; of any number of types in slices. */
import type { Runtime } from './runtime/runtime.js';
import { mapInSlices } from './runtime/time-slices.js';
import { isLive, type PodView, type StatusCounts, type StoreStats } from './store/contract.js';

/** What `stats()` answers: the original's fields, and ours. */
export interface QueueStats {
  readonly pendingSteps: number;
  readonly claimedSteps: number;
  readonly completedSteps: number;
  readonly failedSteps: number;
  readonly cancelledSteps: number;
  /** Live pods: heard of within the time that they registered. */
  readonly activePods: number;
  /** The `podId` of the leader. */
  readonly currentLeader: string | null;
  readonly queueDepthByPriority: Readonly<Record<string, number>>;
  readonly stepsByType: Readonly<Record<string, StatusCounts>>;
  readonly podCapacity: Readonly<Record<string, { readonly current: number; readonly max: number }>>;
  /** Pending steps that are due now. */
  readonly dueSteps: number;
  /** For how long the oldest of them has been due, in ms. */
  readonly oldestDueMs: number | null;
  /**
   * Types with pending steps that no live pod handles: they wait. Empty while a live pod on Snowflake has a list of types
   * beyond 200 kB: it does not travel, and the pod counts as handling every type.
   */
  readonly unhandledTypes: readonly string[];
  /** Handlers of this pod that go on after their claim was aborted. */
  readonly strays: number;
}

/** What `leader()` answers: the original's fields. */
export interface LeaderReport {
  readonly currentLeader: string | null;
  /** For how long it has been in the fleet, in ms. */
  readonly leaderAgeMs: number | null;
  readonly activePods: number;
  /** How long ago the fleet was looked at, in ms; 0: just now. */
  readonly lastElectionCheckMs: number;
  /** Live eligible pods, the eldest first. */
  readonly eligiblePods: readonly string[];
}

/** What the fleet looks like from here. */
export interface FleetPicture {
  readonly pods: readonly PodView[];
  readonly leader: PodView | undefined;
  readonly seenMsAgo: number;
}

/**
 * The step types that live ones of these pods handle. `undefined`: the list of one of them is too long for the store, so
 * that each type may be handled.
 */
export async function handledTypes(
  runtime: Runtime,
  pods: readonly PodView[],
): Promise<ReadonlySet<unknown> | undefined> {
  if (pods.some((pod) => isLive(pod) && pod.meta['typesOmitted'] === true)) return undefined;
  const handled = new Set<unknown>();
  for (const { meta } of pods.filter(isLive))
    if (Array.isArray(meta['types'])) await mapInSlices(runtime, meta['types'], (type) => handled.add(type));
  return handled;
}

export async function queueStats(
  runtime: Runtime,
  store: StoreStats,
  fleet: FleetPicture,
  strays: number,
): Promise<QueueStats> {
  const live = fleet.pods.filter(isLive);
  const handled = await handledTypes(runtime, live);
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

export function leaderReport({ pods, leader, seenMsAgo }: FleetPicture): LeaderReport {
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

function count(pod: PodView, key: 'running' | 'slots'): number {
  const value = pod.meta[key];
  return typeof value === 'number' ? value : 0;
}

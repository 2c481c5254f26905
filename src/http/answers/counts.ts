/** Counts, the leader and pods as answers show them. */
import type { LeaderReport, PodReport, QueueStats } from '../../index.js';
import { boundedEntries, MOST_ENTRIES } from './bounded.js';

type Answered = Readonly<Record<string, unknown>>;

/** The counts of the Python FLEET-Q. */
export function queueAnswer(stats: QueueStats): Answered {
  return {
    pending_steps: stats.pendingSteps,
    claimed_steps: stats.claimedSteps,
    completed_steps: stats.completedSteps,
    failed_steps: stats.failedSteps,
    active_pods: stats.activePods,
    current_leader: stats.currentLeader,
    queue_depth_by_priority: boundedEntries(stats.queueDepthByPriority, (a, b) => Number(b) - Number(a)),
    steps_by_type: boundedEntries(stats.stepsByType),
    pod_capacity: stats.podCapacity,
  };
}

/** All counts. */
export function statsAnswer(stats: QueueStats, asOf: string): Answered {
  return {
    as_of: asOf,
    ...queueAnswer(stats),
    cancelled_steps: stats.cancelledSteps,
    asleep_pods: stats.asleepPods,
    due_steps: stats.dueSteps,
    oldest_due_ms: stats.oldestDueMs,
    unhandled_types: stats.unhandledTypes.slice(0, MOST_ENTRIES),
    strays: stats.strays,
    store: pacingAnswer(stats.store),
  };
}

function pacingAnswer(pacing: QueueStats['store']): Answered | null {
  if (pacing === undefined) return null;
  return {
    path: pacing.path,
    interval_ms: pacing.intervalMs,
    idle_interval_ms: pacing.idleIntervalMs,
    active_pods: pacing.activePods,
    update_ms: pacing.updateMs,
    slot_ms: pacing.slotMs,
    ease: pacing.ease,
    throttled: pacing.throttled,
  };
}

export function leaderAnswer(leader: LeaderReport): Answered {
  return {
    current_leader: leader.currentLeader,
    leader_age_ms: leader.leaderAgeMs,
    active_pods: leader.activePods,
    last_election_check_ms: leader.lastElectionCheckMs,
    eligible_pods: leader.eligiblePods,
  };
}

/** The most types of one pod in an answer. */
const MOST_TYPES = 100;

export function podAnswer(pod: PodReport): Answered {
  return {
    pod_id: pod.podId,
    incarnation: pod.incarnation,
    live: pod.live,
    asleep: pod.asleep,
    is_leader: pod.isLeader,
    eligible: pod.eligible,
    age_ms: pod.ageMs,
    silent_for_ms: pod.silentForMs,
    dead_after_ms: pod.deadAfterMs,
    running: pod.running,
    slots: pod.slots,
    types: pod.types?.slice(0, MOST_TYPES) ?? null,
    type_count: pod.types?.length ?? null,
    version: pod.version,
  };
}

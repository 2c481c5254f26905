/** The routes of the Python FLEET-Q for administrators. */
import { MOST_ENTRIES } from '../answers/bounded.js';
import { queueAnswer } from '../answers/counts.js';
import { isoInstant } from '../answers/instant.js';
import type { Route } from '../route.js';
import { ref } from '../schemas/parts.js';
import { runRecovery } from './recovery.js';

const TAG = 'Routes of the Python FLEET-Q';

const leader: Route = {
  method: 'GET',
  path: '/admin/leader',
  action: 'fleet:read',
  tag: TAG,
  operationId: 'adminLeader',
  summary: 'The leader of the fleet',
  answers: { 200: { description: 'The leader.', schema: ref('LeaderOfPython') } },
  handle: async (_, services) => {
    const [{ value: report, at }, { value: pods }] = await Promise.all([services.leader.read(), services.pods.read()]);
    const leading = pods.find(({ isLeader, podId }) => isLeader && podId === report.currentLeader);
    const births = services.births.of(pods);
    const birth = leading === undefined ? undefined : births.get(leading.incarnation);
    return {
      status: 200,
      json: {
        current_leader: report.currentLeader,
        leader_birth_ts: birth === undefined ? null : isoInstant(birth),
        active_pods: report.activePods,
        last_election_check: isoInstant(at - report.lastElectionCheckMs),
        election_details: { eligible_pods: report.eligiblePods },
      },
    };
  },
};

const queue: Route = {
  method: 'GET',
  path: '/admin/queue',
  action: 'stats:read',
  tag: TAG,
  operationId: 'adminQueue',
  summary: 'Counts of steps, pods and capacity',
  answers: { 200: { description: 'The counts.', schema: ref('QueueOfPython') } },
  handle: async (_, { stats }) => ({ status: 200, json: queueAnswer((await stats.read()).value) }),
};

const recovery: Route = {
  method: 'POST',
  path: '/admin/recovery/run',
  action: 'recovery:run',
  tag: TAG,
  operationId: 'adminRecoveryRun',
  summary: 'Run a recovery cycle now',
  description: 'Only the leader runs it, unless `force` is set.',
  body: { schema: ref('RecoveryRequest'), required: false, example: { dry_run: true } },
  answers: { 200: { description: 'What the cycle did.', schema: ref('RecoveryOfPython') } },
  problems: [409],
  handle: async ({ body }, services) => {
    const cycle = await runRecovery(body, services);
    return {
      status: 200,
      json: {
        status: 'completed',
        message: cycle.dryRun ? 'Recovery cycle completed; nothing was written' : 'Recovery cycle completed',
        recovery_summary: {
          cycle_id: cycle.cycleId,
          dead_pods_found: cycle.deadPods.length,
          orphaned_steps_found: cycle.orphans.length,
          steps_requeued: cycle.requeued.length,
          steps_marked_terminal: cycle.failed.length,
          duration_ms: Math.round(cycle.durationMs),
          dead_pods: cycle.deadPods.slice(0, MOST_ENTRIES).map(({ podId }) => podId),
          requeued_steps: cycle.requeued.slice(0, MOST_ENTRIES),
          terminal_steps: cycle.failed.slice(0, MOST_ENTRIES),
        },
      },
    };
  },
};

export const ORIGINAL_ADMIN_ROUTES: readonly Route[] = [leader, queue, recovery];

/** The routes that report on the fleet, and on this pod. */
import { StoppedError } from '../../index.js';
import { leaderAnswer, podAnswer, statsAnswer } from '../answers/counts.js';
import { isoInstant } from '../answers/instant.js';
import type { Route, Services } from '../route.js';
import { ref } from '../schemas/parts.js';

const TAG = 'Fleet';

const pods: Route = {
  method: 'GET',
  path: '/api/pods',
  action: 'fleet:read',
  tag: TAG,
  operationId: 'listPods',
  summary: 'The pods of the fleet',
  description: 'As this pod saw them at its last heartbeat.',
  answers: { 200: { description: 'The pods.', schema: ref('Pods') } },
  handle: async (_, services) => {
    const { value } = await services.pods.read();
    return { status: 200, json: { pods: value.map(podAnswer) } };
  },
};

const leader: Route = {
  method: 'GET',
  path: '/api/leader',
  action: 'fleet:read',
  tag: TAG,
  operationId: 'getLeader',
  summary: 'The leader of the fleet',
  answers: { 200: { description: 'The leader, and the pods that may lead.', schema: ref('Leader') } },
  handle: async (_, services) => {
    const { value } = await services.leader.read();
    return { status: 200, json: leaderAnswer(value) };
  },
};

const stats: Route = {
  method: 'GET',
  path: '/api/stats',
  action: 'stats:read',
  tag: TAG,
  operationId: 'getStats',
  summary: 'Counts of steps, pods and capacity',
  description: 'The store is asked at most once an interval (`statsIntervalMs`), so `as_of` may be in the past.',
  answers: { 200: { description: 'The counts.', schema: ref('Stats') } },
  handle: async (_, services) => {
    const { value, at } = await services.stats.read();
    return { status: 200, json: statsAnswer(value, isoInstant(at)) };
  },
};

const pause: Route = {
  method: 'POST',
  path: '/api/pod/pause',
  action: 'pod:control',
  tag: TAG,
  operationId: 'pausePod',
  summary: 'Pause this pod',
  description:
    'It claims nothing until it is resumed. Steps that run go on. It concerns the pod that answers, and no other.',
  answers: { 200: { description: 'The pod is paused.', schema: ref('Paused') } },
  handle: (_, { queue }) => {
    refuseWhenStopping(queue, 'pause');
    queue.pause();
    return paused(queue);
  },
};

const resume: Route = {
  method: 'POST',
  path: '/api/pod/resume',
  action: 'pod:control',
  tag: TAG,
  operationId: 'resumePod',
  summary: 'Resume this pod',
  answers: { 200: { description: 'The pod claims again.', schema: ref('Paused') } },
  handle: (_, { queue }) => {
    refuseWhenStopping(queue, 'resume');
    queue.resume();
    return paused(queue);
  },
};

/** @throws StoppedError a pod that stops claims nothing, and will not claim again */
function refuseWhenStopping(queue: Services['queue'], what: string): void {
  const { reasons } = queue.health();
  if (reasons.includes('stopping') || reasons.includes('stopped')) throw new StoppedError(what);
}

function paused(queue: Services['queue']): { status: number; json: unknown } {
  const health = queue.health();
  return { status: 200, json: { pod_id: health.podId, paused: health.paused } };
}

export const FLEET_ROUTES: readonly Route[] = [pods, leader, stats, pause, resume];

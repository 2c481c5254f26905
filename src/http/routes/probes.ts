/**
 * The probes: whether this process lives, works, has started.
 *
 * Invariants:
 * - They ask `health()` alone, which never asks the store: a probe costs nothing, and an outage cannot make it hang.
 * - A client without a token learns only `healthy` or `unhealthy`. `/health` says more to a client that may read the pod.
 */
import type { Health } from '../../index.js';
import type { Answer, Route } from '../route.js';
import { ref } from '../schemas/parts.js';

interface Probe {
  readonly path: string;
  readonly summary: string;
  readonly description: string;
  readonly isWell: (health: Health) => boolean;
}

const TESTS: readonly Probe[] = [
  {
    path: '/livez',
    summary: 'Whether the loops of this pod tick',
    description:
      'It fails within 15 s after a loop got stuck: then restart the process. A loop that waits for the store is not stuck before the deadline of the call has passed. An outage of the store does not make it fail.',
    isWell: ({ live }) => live,
  },
  {
    path: '/readyz',
    summary: 'Whether this pod does its work',
    description:
      'It fails before the start, while the pod is stopping or fenced, during an outage of the store, and if handlers that ignore their signal hold all slots. A process that only submits is ready if its store answers.',
    isWell: ({ ready }) => ready,
  },
  {
    path: '/startupz',
    summary: 'Whether this pod has started',
    description: 'A process that only submits has started when it is ready.',
    isWell: ({ started, ready }) => started || ready,
  },
];

/** The answers of every probe, well and not. */
function answers(name: string): Route['answers'] {
  return {
    200: { description: 'Healthy.', schema: ref(name), example: { status: 'healthy' } },
    503: { description: 'Unhealthy.', schema: ref(name), example: { status: 'unhealthy' } },
  };
}

function probe({ path, summary, description, isWell }: Probe): Route {
  return {
    method: 'GET',
    path,
    tag: 'Probes',
    operationId: path.slice(1),
    summary,
    description,
    answers: answers('Probe'),
    handle: (_, { queue }) => wellOrNot(isWell(queue.health())),
  };
}

function wellOrNot(isWell: boolean, more: Readonly<Record<string, unknown>> = {}): Answer {
  return { status: isWell ? 200 : 503, json: { status: isWell ? 'healthy' : 'unhealthy', ...more } };
}

const HEALTH: Route = {
  method: 'GET',
  path: '/health',
  moreFor: 'pod:read',
  tag: 'Probes',
  operationId: 'health',
  summary: 'The health of this pod',
  description:
    'Its status is that of `/readyz`. A client that may not do `pod:read` gets `status` alone. A probe of Kubernetes should not use it as a liveness probe.',
  answers: answers('HealthOrProbe'),
  handle: ({ mayKnowMore }, { queue }) => {
    const health = queue.health();
    return wellOrNot(health.status === 'healthy', mayKnowMore ? details(health) : {});
  },
};

function details(health: Health): Readonly<Record<string, unknown>> {
  return {
    pod_id: health.podId,
    uptime_seconds: health.uptimeSeconds,
    current_capacity: health.currentCapacity,
    max_capacity: health.maxCapacity,
    is_leader: health.isLeader,
    version: health.version,
    live: health.live,
    ready: health.ready,
    started: health.started,
    paused: health.paused,
    asleep: health.asleep,
    strays: health.strays,
    reasons: health.reasons,
    problems: health.problems.map((sentence, i) => withoutMessage(sentence, health.reasons[i])),
    warnings: health.warnings,
  };
}

/** Their sentences end with a driver's message, which may name files, hosts and accounts; the log of the pod has it. */
const QUOTING: ReadonlySet<string> = new Set(['outage', 'store-unanswered'] satisfies Health['reasons'][number][]);

function withoutMessage(sentence: string, reason: string | undefined): string {
  return reason !== undefined && QUOTING.has(reason) ? (sentence.split(': ', 1)[0] ?? '') : sentence;
}

export const PROBES: readonly Route[] = [...TESTS.map(probe), HEALTH];

/** The schemas of the probes. */
import type { Schema } from '../route.js';
import { count, flag, listOf, object, ref, text } from './parts.js';

const STATUS: Schema = { enum: ['healthy', 'unhealthy'], description: 'Whether it is well.' };

export const PROBE_SCHEMAS: Readonly<Record<string, Schema>> = {
  Probe: object({ status: STATUS }),
  Health: object({
    pod_id: text('The name of the pod.'),
    status: STATUS,
    uptime_seconds: { type: 'number', minimum: 0, description: 'For how long the queue has been running.' },
    current_capacity: count('How many steps run now.'),
    max_capacity: count('How many steps may run at a time.'),
    is_leader: flag('Whether the pod leads the fleet.'),
    version: text('The version of the library.'),
    live: flag('What `/livez` says.'),
    ready: flag('What `/readyz` says.'),
    started: flag('Whether the queue has been started, and not stopped.'),
    paused: flag('Whether the pod claims nothing because it was paused.'),
    asleep: flag('Whether the pod sleeps, because the fleet has nothing to do.'),
    strays: count('Handlers that still run after their claims were aborted.'),
    reasons: listOf(text('A code.'), 'Why it is not ready, as codes; empty if it is.'),
    problems: listOf(text('A sentence.'), 'The same as sentences, in the same order.'),
    warnings: listOf(text('A sentence.'), 'Possible problems of a pod that does its work.'),
  }),
  HealthOrProbe: { anyOf: [ref('Health'), ref('Probe')] },
};

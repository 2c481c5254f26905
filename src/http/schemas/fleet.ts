/** The schemas of pods, the leader and counts. */
import type { Schema } from '../route.js';
import { count, duration, flag, instant, listOf, object, ref, text, textOrNull } from './parts.js';

const PER_STATUS = object(
  {
    pending: count('Steps that wait.'),
    claimed: count('Steps that a pod holds.'),
    completed: count('Steps that completed.'),
    failed: count('Steps that failed.'),
    cancelled: count('Steps that were cancelled.'),
  },
  [],
  { description: 'The steps of one type, by status.' },
);

const CAPACITY = object(
  { current: count('How many handlers ran at its last heartbeat.'), max: count('How many it may run at a time.') },
  [],
  { description: 'The capacity of one pod.' },
);

const byName = (values: Schema, description: string): Schema => ({
  type: 'object',
  additionalProperties: values,
  description,
});

const POD_ID = text('The name of the pod.');
const CURRENT_LEADER = textOrNull('The pod that leads; `null` if none does.');
const ACTIVE_PODS = count('Pods that are awake and have sent a heartbeat in time.');
const ELIGIBLE = listOf(POD_ID, 'The pods that may lead, the oldest first.');

/** The counts of the Python FLEET-Q. */
const QUEUE = {
  pending_steps: count('Steps that wait.'),
  claimed_steps: count('Steps that a pod holds.'),
  completed_steps: count('Steps that completed.'),
  failed_steps: count('Steps that failed.'),
  active_pods: ACTIVE_PODS,
  current_leader: CURRENT_LEADER,
  queue_depth_by_priority: byName(count('Steps.'), 'Pending steps by priority: the 1,000 highest priorities.'),
  steps_by_type: byName(PER_STATUS, 'Steps by type: at most 1,000 types.'),
  pod_capacity: byName(CAPACITY, 'The capacity of each live pod.'),
};

export const FLEET_SCHEMAS: Readonly<Record<string, Schema>> = {
  LeaderOfPython: object({
    current_leader: CURRENT_LEADER,
    leader_birth_ts: {
      type: ['string', 'null'],
      format: 'date-time',
      description: 'When the leader joined, by the clock of this host.',
    },
    active_pods: ACTIVE_PODS,
    last_election_check: instant('When this view of the fleet was read.'),
    election_details: object({ eligible_pods: ELIGIBLE }, [], { description: 'How the leader was found.' }),
  }),
  QueueOfPython: object(QUEUE),
  Leader: object({
    current_leader: CURRENT_LEADER,
    leader_age_ms: { type: ['number', 'null'], description: 'How long the leader has been in the fleet.' },
    active_pods: ACTIVE_PODS,
    last_election_check_ms: duration('How old this view of the fleet is.'),
    eligible_pods: ELIGIBLE,
  }),
  Stats: object({
    as_of: instant('When the counts were read.'),
    ...QUEUE,
    cancelled_steps: count('Steps that were cancelled.'),
    asleep_pods: count('Pods that sleep; they wake when a step is submitted or falls due.'),
    due_steps: count('Pending steps that are due.'),
    oldest_due_ms: { type: ['number', 'null'], description: 'How long the oldest due step has been due.' },
    unhandled_types: listOf(
      text('A type.'),
      'Types with pending steps that no pod handles, awake or asleep: at most 1,000.',
    ),
    strays: count('Handlers of this pod that go on after their claims were aborted.'),
    store: {
      anyOf: [ref('Pacing'), { type: 'null' }],
      description: 'How the store paces this pod; `null` if it does not.',
    },
  }),
  Pacing: object({
    path: {
      enum: ['direct', 'log'],
      description: 'Whether its exchanges go directly to the table of steps, or by the log.',
    },
    interval_ms: duration('The interval between two exchanges that the store asks for; 0: none.'),
    idle_interval_ms: duration('The interval between two exchanges of a pod that has nothing to do.'),
    active_pods: count('Pods that have exchanged through the log within the last minute.'),
    update_ms: duration('How long an UPDATE takes this pod, with its wait for the lock.'),
    slot_ms: {
      type: ['number', 'null'],
      description: 'How long an exchange holds a statement slot of the warehouse; `null` if it is not known yet.',
    },
    ease: { type: 'number', description: 'By what factor refused statements have lengthened the interval: 1 to 3.' },
    throttled: {
      enum: ['slots', 'refused', null],
      description: 'Why it exchanges less often than it would; `null` if it does not.',
    },
  }),
  PodReport: object({
    pod_id: POD_ID,
    incarnation: text('One life of the pod.'),
    live: flag('Whether it is awake and has sent a heartbeat in time.'),
    asleep: flag('Whether it sleeps: it holds no steps and sends no heartbeats.'),
    is_leader: flag('Whether it leads.'),
    eligible: flag('Whether it may lead.'),
    age_ms: duration('How long ago it registered.'),
    silent_for_ms: duration('How long ago its last heartbeat was.'),
    dead_after_ms: duration('Other pods may evict it once it has been silent for longer.'),
    running: count('How many handlers ran at its last heartbeat.'),
    slots: count('How many it may run at a time.'),
    types: {
      type: ['array', 'null'],
      items: text('A type.'),
      description: 'The step types that it handles: the first 100. `null`: there are too many to be stored.',
    },
    type_count: { type: ['integer', 'null'], description: 'How many types it handles.' },
    version: textOrNull('The version of the library that it runs.'),
  }),
  Pods: object({ pods: listOf(ref('PodReport'), 'The pods, the oldest first.') }),
  Paused: object({ pod_id: POD_ID, paused: flag('Whether it claims nothing.') }),
};

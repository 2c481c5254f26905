/** Every verb, in the order of the help. */
import type { VerbRow } from './verb.js';

export const VERBS: Readonly<Record<string, VerbRow>> = {
  submit: {
    summary: 'Submit a step, or many.',
    group: 'Steps:',
    exits: [0, 1, 2, 4, 130, 143],
    load: () => import('./verbs/submit.js'),
  },
  get: {
    summary: 'Show steps in full.',
    group: 'Steps:',
    exits: [0, 2, 3, 4, 130, 143],
    load: () => import('./verbs/get.js'),
  },
  list: {
    summary: 'List and search steps.',
    group: 'Steps:',
    exits: [0, 2, 4, 130, 143],
    load: () => import('./verbs/list.js'),
  },
  cancel: {
    summary: 'Cancel steps that have not ended.',
    group: 'Steps:',
    exits: [0, 1, 2, 3, 4, 130, 143],
    load: () => import('./verbs/cancel.js'),
  },
  retry: {
    summary: 'Retry steps that failed or were cancelled.',
    group: 'Steps:',
    exits: [0, 1, 2, 3, 4, 130, 143],
    load: () => import('./verbs/retry.js'),
  },
  stats: {
    summary: 'Count steps, pods and capacity.',
    group: 'Fleet:',
    exits: [0, 2, 4, 130, 143],
    load: () => import('./verbs/stats.js'),
  },
  pods: {
    summary: 'List the pods of the fleet.',
    group: 'Fleet:',
    exits: [0, 2, 4, 130, 143],
    load: () => import('./verbs/pods.js'),
  },
  leader: {
    summary: 'Show which pod leads the fleet.',
    group: 'Fleet:',
    exits: [0, 2, 4, 130, 143],
    load: () => import('./verbs/leader.js'),
  },
  recover: {
    summary: 'Run a recovery cycle now.',
    group: 'Fleet:',
    exits: [0, 1, 2, 4, 130, 143],
    load: () => import('./verbs/recover.js'),
  },
  history: {
    summary: 'List the recovery cycles that a pod has run.',
    group: 'Fleet:',
    exits: [0, 1, 2, 4, 130, 143],
    load: () => import('./verbs/history.js'),
  },
  worker: {
    summary: 'Run the steps of a module, as a pod of the fleet.',
    group: 'Pods:',
    exits: [0, 1, 2, 4, 130, 143],
    load: () => import('./verbs/worker.js'),
  },
  serve: {
    summary: 'Serve the HTTP API without running steps.',
    group: 'Pods:',
    exits: [0, 1, 2, 4, 130, 143],
    load: () => import('./verbs/serve.js'),
  },
  probe: {
    summary: 'Ask a pod whether it is alive, ready or started.',
    group: 'Pods:',
    exits: [0, 1, 2],
    load: () => import('./verbs/probe.js'),
  },
  pause: {
    summary: 'Stop the claiming of one pod.',
    group: 'Pods:',
    exits: [0, 1, 2, 4, 130, 143],
    load: () => import('./verbs/pause.js'),
  },
  resume: {
    summary: 'End the pause of one pod.',
    group: 'Pods:',
    exits: [0, 1, 2, 4, 130, 143],
    load: () => import('./verbs/resume.js'),
  },
  demo: {
    summary: 'See a fleet lose a pod, and no step.',
    group: 'Setup:',
    exits: [0, 1, 2, 130, 143],
    load: () => import('./verbs/demo.js'),
  },
  doctor: {
    summary: 'Check the store and the fleet.',
    group: 'Setup:',
    exits: [0, 1, 2, 4, 130, 143],
    load: () => import('./verbs/doctor.js'),
  },
  ddl: {
    summary: 'Print the SQL that creates the tables.',
    group: 'Setup:',
    exits: [0, 2],
    load: () => import('./verbs/ddl.js'),
  },
};

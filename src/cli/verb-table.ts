/** Every verb, in the order of the help. */
import type { VerbRow } from './verb.js';

export const VERBS: Readonly<Record<string, VerbRow>> = {
  stats: {
    summary: 'Count steps, pods and capacity.',
    group: 'Fleet:',
    load: () => import('./verbs/stats.js'),
  },
};

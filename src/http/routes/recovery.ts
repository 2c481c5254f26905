/** The routes of recovery. */
import { MOST_ENTRIES } from '../answers/bounded.js';
import { cycleAnswer } from '../answers/recovery.js';
import type { Route, Services } from '../route.js';
import { ref } from '../schemas/parts.js';

const TAG = 'Recovery';

/** The body of a request for a cycle. Its schema has filled in the defaults. */
export interface RecoveryRequest {
  readonly force: boolean;
  readonly dry_run: boolean;
}

/** Runs a cycle. @throws FleetQError `NOT_LEADER`, `NOT_STARTED` */
export function runRecovery(body: unknown, { queue }: Services): ReturnType<Services['queue']['runRecovery']> {
  const { force, dry_run } = body as RecoveryRequest;
  return queue.runRecovery({ force, dryRun: dry_run });
}

const run: Route = {
  method: 'POST',
  path: '/api/recovery/run',
  action: 'recovery:run',
  tag: TAG,
  operationId: 'runRecovery',
  summary: 'Run a recovery cycle now',
  description: 'Only the leader runs it, unless `force` is set. A forced cycle does no harm.',
  body: { schema: ref('RecoveryRequest'), required: false, example: { dry_run: true } },
  answers: { 200: { description: 'What the cycle did.', schema: ref('RecoveryCycle') } },
  problems: [409],
  handle: async ({ body }, services) => {
    const cycle = await runRecovery(body, services);
    return { status: 200, json: cycleAnswer(cycle, MOST_ENTRIES) };
  },
};

/** The most ids in a list of a past cycle: there are many cycles in one answer. */
const MOST_OF_HISTORY = 100;

const history: Route = {
  method: 'GET',
  path: '/api/recovery/history',
  action: 'recovery:read',
  tag: TAG,
  operationId: 'getRecoveryHistory',
  summary: 'The recovery cycles that this pod has run as leader',
  description: 'Each list holds at most 100 ids; the counts are of all.',
  query: {
    limit: { type: 'integer', minimum: 1, maximum: 100, default: 20, description: 'The most cycles.' },
  },
  answers: { 200: { description: 'The cycles.', schema: ref('RecoveryHistory') } },
  problems: [409],
  handle: async ({ query }, { queue }) => {
    const cycles = await queue.recoveryHistory({ limit: query['limit'] as number });
    return { status: 200, json: { cycles: cycles.map((cycle) => cycleAnswer(cycle, MOST_OF_HISTORY)) } };
  },
};

export const RECOVERY_ROUTES: readonly Route[] = [run, history];

/** Checks that each step ended as its type and args say, with the result that its handler wrote to the ledger. */
import type { Entry } from '../ledger.js';
import { MAX_CRASHES } from '../settings.js';
import { textOf, type StepType } from '../workload.js';
import type { Evidence, Row } from './evidence.js';
import type { Violation } from './violation.js';

export function checkOutcomes(evidence: Evidence): Violation[] {
  const runs = returned(evidence);
  return [...evidence.rows.values()].flatMap((row): Violation[] => {
    const problem =
      row.status === 'completed' ? completed(row, runs) : row.status === 'failed' ? failed(row) : undefined;
    return problem === undefined ? [] : [{ kind: 'outcome', stepId: row.stepId, text: problem }];
  });
}

/** The runs whose handler was about to return. */
function returned({ pods }: Evidence): Map<string, Entry> {
  const all = pods.flatMap(({ entries }) => entries.filter(({ what, how }) => what === 'ended' && how === 'returned'));
  return new Map(all.map((entry) => [entry.run!, entry]));
}

function completed({ type, args, result, stepId, retries }: Row, runs: ReadonlyMap<string, Entry>): string | undefined {
  const { run = '?', n, text } = (result ?? {}) as { run?: string; n?: number; text?: string };
  if (type === 'doomed' || type === 'odd') return 'is completed, and cannot be';
  if (type === 'flaky' && retries < (args?.failures ?? 0))
    return `is completed after ${retries} of ${args?.failures} failures`;
  if (runs.get(run)?.stepId !== stepId) return `has the result of ${run}, which never returned`;
  if (n !== args?.n || text !== textOf(args?.size)) return `has another result than ${run} returned`;
  return undefined;
}

/** The errors with which a step of this type may fail, and whether only after its retries are used up. */
const WHY: Readonly<Partial<Record<StepType, { readonly why: string; readonly atOnce?: true }>>> = {
  doomed: { why: 'PermanentFailureError', atOnce: true },
  odd: { why: 'RESULT_UNSERIALIZABLE', atOnce: true },
  flaky: { why: 'Error RetryLaterError' },
  slow: { why: 'STEP_TIMED_OUT' },
  deaf: { why: 'STEP_TIMED_OUT' },
};

function failed({ type, args, error, retries, maxRetries, crashes }: Row): string | undefined {
  const code = error?.code ?? error?.name ?? '?';
  if (code === 'STEP_CRASHED_POD') return crashes > MAX_CRASHES ? undefined : `failed after ${crashes} crashes`;
  const expected = WHY[type];
  if (!expected?.why.split(' ').some((why) => why === code || why === error?.name)) return `failed with ${code}`;
  if (expected.atOnce !== true && retries < maxRetries) return `failed after ${retries} of ${maxRetries} retries`;
  if (type === 'flaky' && (args?.failures ?? 0) <= maxRetries) return 'failed, and had retries enough';
  return undefined;
}

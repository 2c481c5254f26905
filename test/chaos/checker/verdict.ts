/**
 * The verdict on a run. It imports nothing of the product, and takes nothing on its word: it judges from the ledgers
 * (what submitters were answered, what handlers did, what pods were told), and from the file, which keeps a history of
 * its own: every change of every step, noted by triggers in the transaction that made it.
 *
 * What must hold:
 *
 * 1. **Nothing is lost.** Each id that a submitter wrote down *after* its submission had resolved is in the file, stands
 *    for what was submitted, and is terminal. Of a submission whose submitter was killed before it could write that down
 *    there may be a step or none, never two. One key is one step, whoever submits it.
 * 2. **Settled once.** A terminal step changes no more, unless somebody retries it by hand, who said so in his ledger
 *    before he did. No version of a step is told to be settled twice, and `completed` is the end of all. A step that runs
 *    twice is none: that is at-least-once execution.
 * 3. **No stale settlement is accepted.** Whatever ends a claim carries that claim's own token and version, and is its
 *    holder's (also one that was declared dead, as long as nobody has taken the claim back); or a leader's, after the
 *    holder's incarnation has ended, and then makes the step pending or fails it for its crashes; or a cancel's. The result of a completed step comes from a run of the process that held
 *    the last claim. A claim is never claimed over.
 * 4. **Retries are within bounds.** A change charges at most one retry or one crash; retries stay within `maxRetries` and
 *    crashes within the limit, counted anew after a retry by hand; a crash is charged for evicted pods and no others.
 *    What fails has used its retries up, or failed for good.
 * 5. **Nothing is left** claimed or pending, of the acknowledged steps and of all others.
 * 6. **Events tell what has happened.** What a pod was told stands in the history at that version, by that pod. A receipt
 *    may be lost to a SIGKILL, or to a stop whose drain time was over: what was settled and not told is a violation only
 *    where the pod stopped in order, and before that time.
 * 7. **Handlers run as claimed**: once for each claim, never twice at a time in one pod, within slots and concurrency,
 *    and never once the pod has stopped. What they return is what the step has.
 * 8. **The living stay**: no process breaks, hangs, or is declared dead while it is neither killed nor frozen.
 */
import { checkOutcomes } from './outcomes.js';
import type { Entry } from '../ledger.js';
import { evidenceIn, type Evidence } from './evidence.js';
import { checkProcesses } from './processes.js';
import { checkReceipts } from './receipts.js';
import { checkRetries } from './retries.js';
import { checkRuns } from './runs.js';
import { checkSettlements, leftBehind } from './settlements.js';
import { storyOf } from './story.js';
import { acknowledgements, checkSubmissions, isTerminal } from './submissions.js';
import type { Kind, Violation } from './violation.js';

export interface Verdict {
  /** Steps whose submission had resolved; and how many of them are terminal. */
  readonly acknowledged: number;
  readonly terminal: number;
  /** Steps with a violation of this kind. */
  readonly lost: number;
  readonly settledTwice: number;
  readonly staleAccepted: number;
  readonly violations: readonly (Violation & { readonly story: readonly string[] })[];
  /** What the run has seen: what was not there was not tried. */
  readonly seen: Readonly<Record<string, number>>;
}

/** So many violations get their step's story. */
const TOLD = 5;

export function judge(folder: string): Verdict {
  const evidence = evidenceIn(folder);
  const acknowledged = [...acknowledgements(evidence).keys()];
  const violations = [
    checkSubmissions,
    checkSettlements,
    checkRetries,
    checkRuns,
    checkReceipts,
    checkOutcomes,
    checkProcesses,
  ].flatMap((check) => check(evidence));
  if (acknowledged.length === 0)
    violations.push({ kind: 'process', text: 'nothing was acknowledged: nothing was tried' });
  const stepsWith = (kind: Kind): number =>
    new Set(violations.filter((each) => each.kind === kind).map(({ stepId }) => stepId)).size;
  return {
    acknowledged: acknowledged.length,
    terminal: acknowledged.filter((stepId) => isTerminal(evidence.rows.get(stepId))).length,
    lost: stepsWith('lost'),
    settledTwice: stepsWith('settledTwice'),
    staleAccepted: stepsWith('staleAccepted'),
    violations: violations.map((violation, i) => ({
      ...violation,
      text: violation.stepId === undefined ? violation.text : `${violation.stepId} ${violation.text}`,
      story: i < TOLD && violation.stepId !== undefined ? storyOf(violation.stepId, evidence) : [],
    })),
    seen: seen(evidence),
  };
}

function seen(evidence: Evidence): Record<string, number> {
  const { rows, ends, pods, submitters, choreography } = evidence;
  const entries = [...pods, ...submitters].flatMap((book) => book.entries);
  const count = (what: Entry['what'], how?: string): number =>
    entries.filter((entry) => entry.what === what && (how === undefined || entry.how === how)).length;
  const withStatus = (status: string): number => [...rows.values()].filter((row) => row.status === status).length;
  const runs = new Map<string, number>();
  for (const { what, stepId = '?' } of entries) if (what === 'began') runs.set(stepId, (runs.get(stepId) ?? 0) + 1);
  const locked = choreography.filter(({ what }) => what === 'locked');
  return {
    'steps completed': withStatus('completed'),
    'steps failed': withStatus('failed'),
    'steps cancelled': withStatus('cancelled'),
    'handlers begun': count('began'),
    'steps begun more than once': [...runs.values()].filter((times) => times > 1).length,
    'incarnations evicted': [...ends.values()].filter(({ final }) => final === 'evicted').length,
    'incarnations left': [...ends.values()].filter(({ final }) => final === 'left').length,
    'times that a pod was fenced': count('fenced'),
    'of them superseded': count('fenced', 'superseded'),
    'orphans given back': count('released', 'orphaned'),
    'claims that pods left behind': leftBehind(evidence).length,
    'stale settlements refused': count('lost'),
    'attempts retried': count('retrying'),
    'attempts timed out': count('timedOut'),
    'claims released by handlers': count('released', 'handler'),
    'retries by hand': count('answered', 'retried'),
    'submissions of a known key': count('acknowledged', 'duplicate') + count('acknowledged', 'mismatch'),
    'calls refused by a locked file': count('refused'),
    'locks of the file': locked.length,
    'ms of the longest of them': Math.max(0, ...locked.map(({ lastsMs = 0 }) => lastsMs)),
  };
}

/**
 * The verdict on a run. It imports nothing of the library and trusts none of its answers. It judges by the ledgers (which
 * replies submitters got, what handlers did, which events pods emitted), and by the file. The file has a history of its
 * own: triggers record every change of every step in the transaction that makes it.
 *
 * What must hold:
 *
 * 1. **Nothing is lost.** Each id that a submitter wrote to its ledger *after* its submission resolved is in the file, as
 *    it was submitted, and terminal. If the submitter was killed before it could write that, there is one step or none,
 *    never two. One key is one step, for all submitters together.
 * 2. **Settled once.** A terminal step does not change again, unless a caller retries it by hand and has written that to
 *    its ledger first. No version of a step is reported as settled twice, and `completed` is final. A step that runs twice
 *    is no violation: that is at-least-once execution.
 * 3. **No stale settlement is accepted.** A change that ends a claim carries the token and version of that claim. It comes
 *    from the holder (also from one that was declared dead, until a leader takes the claim back); or from a leader after
 *    the holder's incarnation has ended, which makes the step pending or fails it for its crashes; or from a cancel. The
 *    result of a completed step comes from a run of the process that held the last claim. A claimed step is never claimed.
 * 4. **Retries are within bounds.** A change charges at most one retry or one crash. Retries stay within `maxRetries`, and
 *    crashes within the limit; both start again after a retry by hand. Only an eviction charges a crash. A failed step has
 *    used up its retries, or failed permanently.
 * 5. **Nothing is left** claimed or pending, neither of the acknowledged steps nor of any other.
 * 6. **Events report what has happened.** An event is in the history at its version, by its pod. A settled step without an
 *    event is a violation only if its pod stopped in order and within its drain time.
 * 7. **Handlers run as claimed**: once for each claim, never twice at a time in one pod, within slots and concurrency, and
 *    never after the pod has stopped. The result of the step is what its handler returned.
 * 8. **The living stay**: no process fails, hangs, or is declared dead while it is neither killed nor frozen.
 */
import { checkOutcomes } from './outcomes.js';
import type { Entry } from '../ledger.js';
import { evidenceIn, type Evidence } from './evidence.js';
import { checkProcesses } from './processes.js';
import { checkReceipts } from './receipts.js';
import { checkRetries } from './retries.js';
import { checkRuns } from './runs.js';
import { checkSettlements, leftBehind } from './settlements.js';
import { timelineOf } from './timeline.js';
import { acknowledgements, checkSubmissions, isTerminal } from './submissions.js';
import type { Kind, Violation } from './violation.js';

export interface Verdict {
  /** Steps whose submission resolved, and how many of them are terminal. */
  readonly acknowledged: number;
  readonly terminal: number;
  /** Steps with a violation of this kind. */
  readonly lost: number;
  readonly settledTwice: number;
  readonly staleAccepted: number;
  readonly violations: readonly (Violation & { readonly timeline: readonly string[] })[];
  /** What happened in the run. What did not happen was not tested. */
  readonly seen: Readonly<Record<string, number>>;
}

/** How many violations show the timeline of their step. */
const REPORTED = 5;

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
      timeline: i < REPORTED && violation.stepId !== undefined ? timelineOf(violation.stepId, evidence) : [],
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

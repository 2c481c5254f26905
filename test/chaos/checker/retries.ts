/** Checks what is charged as a retry, and the limits. A retry by hand starts with fresh counts. */
import type { Change } from '../history.js';
import { MAX_CRASHES } from '../settings.js';
import type { Evidence, Row } from './evidence.js';
import { isByHand } from './settlements.js';
import type { Kind, Violation } from './violation.js';

export function checkRetries(evidence: Evidence): Violation[] {
  const reported = reportedRetries(evidence);
  return [...evidence.rows.values()].flatMap((row) => {
    const { stepId, maxRetries } = row;
    const found: Violation[] = [];
    const add = (kind: Kind, text: string): void => void found.push({ kind, stepId, text });
    const changes = evidence.changes.get(stepId) ?? [];
    for (const change of changes) checkCharge(change, row, add);
    const lives = 1 + changes.filter(isByHand).length;
    const retries = reported.get(stepId) ?? 0;
    if (retries > maxRetries * lives)
      add('retries', `was reported as retried ${retries} times; ${maxRetries} are allowed`);
    if (changes.length === 0) add('history', 'has no history');
    return found;
  });
}

/** The `step:retrying` events in the pods' ledgers, counted by step. */
function reportedRetries({ pods }: Evidence): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { entries } of pods)
    for (const { what, stepId = '?' } of entries)
      if (what === 'retrying') counts.set(stepId, (counts.get(stepId) ?? 0) + 1);
  return counts;
}

function checkCharge(change: Change, { maxRetries }: Row, add: (kind: Kind, text: string) => void): void {
  const { fromStatus, status, version } = change;
  if (status === null) return;
  const [retries, crashes] = [change.retries ?? 0, change.crashes ?? 0];
  const [charged, crashed] = [retries - (change.fromRetries ?? 0), crashes - (change.fromCrashes ?? 0)];
  const at = `at version ${version}`;
  if (isByHand(change)) {
    if (retries !== 0 || crashes !== 0) add('retries', `was retried by hand with old counts ${at}`);
    return;
  }
  const mayCharge = fromStatus === 'claimed' && status === 'pending';
  if (charged !== 0 && !(mayCharge && charged === 1)) add('retries', `was charged ${charged} retries ${at}`);
  if (charged !== 0 && crashed !== 0) add('retries', `was charged a retry and a crash at once ${at}`);
  if (crashed !== 0 && !(fromStatus === 'claimed' && crashed === 1))
    add('retries', `was charged ${crashed} crashes ${at}`);
  if (retries > maxRetries) add('retries', `has ${retries} retries of ${maxRetries} ${at}`);
  if (crashes > MAX_CRASHES && status !== 'failed') add('retries', `has ${crashes} crashes and is ${status} ${at}`);
}

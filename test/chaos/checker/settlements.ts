/**
 * Checks every change of every step in the file's history: it starts from a known state, and its author was allowed to
 * make it.
 *
 * A claim ends in one of three ways: its holder settles it; a leader takes it back after the holder's incarnation has
 * ended; a caller cancels the step. Each time the row must carry the token and version of the claim that ended.
 */
import type { Change } from '../history.js';
import type { Evidence } from './evidence.js';
import type { Kind, Violation } from './violation.js';

const EDGES = [
  ...['→pending', 'pending→claimed', 'pending→cancelled', 'failed→pending', 'cancelled→pending'],
  ...['claimed→pending', 'claimed→completed', 'claimed→failed', 'claimed→cancelled'],
];
/** An operation reads the clock before it waits for the lock, which can take a while on a busy machine. */
const CLOCK_SLACK_MS = 500;

const isTerminal = (status: string | null): boolean => ['completed', 'failed', 'cancelled'].includes(status ?? '');

/** Whether a change made an ended step pending again. */
export const isByHand = ({ fromStatus, status }: Change): boolean => isTerminal(fromStatus) && status === 'pending';

/** How often each step may have been cancelled and retried by hand. Callers write that to their ledger first. */
function intents({ submitters }: Evidence, what: 'cancelling' | 'retryingByHand'): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { entries } of submitters)
    for (const entry of entries)
      if (entry.what === what) counts.set(entry.stepId!, (counts.get(entry.stepId!) ?? 0) + 1);
  return counts;
}

export function checkSettlements(evidence: Evidence): Violation[] {
  const [cancels, retries] = [intents(evidence, 'cancelling'), intents(evidence, 'retryingByHand')];
  return [...evidence.changes].flatMap(([stepId, changes]) => {
    const found: Violation[] = [];
    const add = (kind: Kind, text: string): void => void found.push({ kind, stepId, text });
    checkOrder(changes, add);
    for (const change of changes) checkClaimEnd(change, evidence, add);
    const count = (test: (change: Change) => boolean): number => changes.filter(test).length;
    if (count(isByHand) > (retries.get(stepId) ?? 0))
      add('settledTwice', 'began anew after its end, and nobody had asked');
    if (count(({ status }) => status === 'cancelled') > (cancels.get(stepId) ?? 0))
      add('history', 'was cancelled, and nobody had asked');
    if (evidence.rows.get(stepId)?.version !== changes.at(-1)!.version)
      add('history', 'does not end as its history does');
    return found;
  });
}

/** Each change starts at the state where the last one ended, raises the version by one, and follows an edge of the state machine. */
function checkOrder(changes: readonly Change[], add: (kind: Kind, text: string) => void): void {
  let before: Change | undefined;
  for (const change of changes) {
    const { fromStatus, fromVersion, status, version } = change;
    const edge = `${fromStatus ?? ''}→${status ?? 'gone'}`;
    if (isTerminal(fromStatus) && status !== 'pending')
      add(status === null ? 'lost' : 'settledTwice', `went ${edge} at version ${version}`);
    else if (!EDGES.includes(edge))
      add(fromStatus === 'claimed' ? 'staleAccepted' : 'history', `went ${edge} at version ${version}`);
    if (fromVersion !== (before?.version ?? null) || (before !== undefined && version !== (fromVersion ?? 0) + 1))
      add('history', `went from version ${fromVersion} to ${version}, after ${before?.version}`);
    if (status === 'claimed' && change.runAt! - change.updated! > CLOCK_SLACK_MS)
      add('history', `was claimed ${change.runAt! - change.updated!} ms before it was due`);
    before = change;
  }
}

function checkClaimEnd(change: Change, evidence: Evidence, add: (kind: Kind, text: string) => void): void {
  const { fromStatus, fromToken, fromVersion, fromIncarnation, status, settledBy, version } = change;
  if (fromStatus !== 'claimed' || status === null || status === 'claimed') return;
  if (change.settledToken !== fromToken || change.settledVersion !== fromVersion)
    add('staleAccepted', `was settled at version ${version} under another claim than the one that it ended`);
  if (settledBy === fromIncarnation) return checkHolder(change, evidence, add);
  if (status === 'cancelled' && !evidence.lives.has(settledBy ?? '')) return;
  const end = evidence.ends.get(fromIncarnation ?? '');
  const who = `${evidence.lives.get(settledBy ?? '')} settled at version ${version} what ${evidence.lives.get(fromIncarnation ?? '')} held`;
  if (end === undefined || end.afterSeq >= change.seq) add('staleAccepted', `${who} and was alive`);
  else if (status !== 'pending' && !(status === 'failed' && change.crashes! > change.fromCrashes!))
    add('staleAccepted', `${who}, and made it ${status}`);
  const charged = change.crashes! - change.fromCrashes!;
  // Two crashes make a suspect. A suspect that an empty pod did not claim has not been started.
  const charges = end?.final === 'evicted' && (fromToken!.startsWith('alone-') || change.fromCrashes! < 2);
  if (end !== undefined && charged !== (charges ? 1 : 0))
    add('retries', `was charged ${charged} crashes for a pod that was ${end.final}`);
}

/**
 * A result comes from a run of the process that held the claim. Its incarnation may have ended by then: the fence is still
 * its own until a leader takes the claim back.
 */
function checkHolder(change: Change, { lives }: Evidence, add: (kind: Kind, text: string) => void): void {
  const { fromIncarnation, run, version } = change;
  const life = lives.get(fromIncarnation ?? '');
  if (change.crashes !== change.fromCrashes) add('retries', `was charged a crash by its holder, at version ${version}`);
  if (change.status === 'completed' && !(run ?? '').startsWith(`${life}/`))
    add('staleAccepted', `was completed at version ${version} with the result of ${run}, while ${life} held it`);
}

/** Claims that a pod still had when it left the fleet. It should have settled them or given them back. */
export function leftBehind({ changes, ends }: Evidence): Change[] {
  return [...changes.values()].flatMap((list) =>
    list.filter((change, i) => {
      const end = ends.get(change.incarnation ?? '');
      const until = list[i + 1]?.seq ?? Infinity;
      return change.status === 'claimed' && end?.final === 'left' && change.seq <= end.afterSeq && end.afterSeq < until;
    }),
  );
}

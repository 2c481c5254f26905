/**
 * Checks the runs that handlers wrote to their ledgers. The entries of one process are in order, so it is known what ran at
 * the same time. A stray keeps its slot, and blocks its step, until it returns.
 */
import type { Entry } from '../ledger.js';
import { CONCURRENCY, SLOTS } from '../settings.js';
import type { Book, Evidence } from './evidence.js';
import type { Kind, Violation } from './violation.js';

export function checkRuns(evidence: Evidence): Violation[] {
  return [
    ...evidence.pods.flatMap(inOnePod),
    ...evidence.pods.flatMap((book) => claimed(book, evidence)),
    ...evidence.pods.flatMap((book) => attempts(book, evidence)),
  ];
}

function inOnePod({ life, entries }: Book): Violation[] {
  const found: Violation[] = [];
  const open = new Map<string, Entry>();
  let stopped = false;
  for (const entry of entries) {
    const { what, stepId = '?', type = '?' } = entry;
    const add = (text: string): void => void found.push({ kind: 'run', stepId, text: `${text} on ${life}` });
    if (what === 'stopped') stopped = true;
    if (what === 'ended') open.delete(stepId);
    if (what !== 'began') continue;
    if (stopped) add('ran after its pod had stopped');
    if (open.has(stepId)) add('ran twice at the same time');
    open.set(stepId, entry);
    const limit = CONCURRENCY[type] ?? SLOTS;
    const beside = [...open.values()].filter((each) => each.type === type).length;
    if (beside > limit) add(`was one of ${beside} ${type} steps at a time, ${limit} are allowed`);
    if (open.size > SLOTS) add(`was one of ${open.size} steps at a time in ${SLOTS} slots`);
  }
  return found;
}

/** A handler runs at most once for each claim of its process. */
function claimed({ life, entries }: Book, { changes, lives }: Evidence): Violation[] {
  const runs = new Map<string, number>();
  for (const { what, stepId = '?' } of entries) if (what === 'began') runs.set(stepId, (runs.get(stepId) ?? 0) + 1);
  return [...runs].flatMap(([stepId, count]): Violation[] => {
    const claims = (changes.get(stepId) ?? []).filter(
      ({ status, incarnation }) => status === 'claimed' && lives.get(incarnation ?? '') === life,
    );
    if (count <= claims.length) return [];
    return [{ kind: 'run', stepId, text: `ran ${count} times on ${life}, which claimed it ${claims.length} times` }];
  });
}

function attempts({ life, entries }: Book, { rows }: Evidence): Violation[] {
  return entries.flatMap(({ what, stepId = '?', attempt = 0 }): Violation[] => {
    const most = (rows.get(stepId)?.maxRetries ?? Infinity) + 1;
    if (what !== 'began' || (attempt >= 1 && attempt <= most)) return [];
    const kind: Kind = 'retries';
    return [{ kind, stepId, text: `ran attempt ${attempt} of ${most} on ${life}` }];
  });
}

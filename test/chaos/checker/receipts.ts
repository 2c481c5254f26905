/**
 * Receipts: what pods were told of their settlements. None tells what the file's history has not, none is told twice, and
 * a pod that stopped with all receipts was told of all. (What a SIGKILL took was settled, and nobody was told; nor is a
 * pod that says at its stop that it still waited for receipts.)
 */
import type { Change } from '../history.js';
import type { Entry } from '../ledger.js';
import { DRAIN_MS } from '../settings.js';
import type { Evidence } from './evidence.js';
import type { Violation } from './violation.js';

const key = (stepId: string | undefined, version: number | null | undefined): string => `${stepId}@${version}`;

export function checkReceipts(evidence: Evidence): Violation[] {
  const ends = new Map<string, Change>();
  for (const changes of evidence.changes.values())
    for (const change of changes)
      if (change.status === 'completed' || change.status === 'failed')
        ends.set(key(change.stepId, change.version), change);
  const told = new Map<string, string>();
  const found = evidence.pods.flatMap(({ life, entries }) =>
    entries.flatMap((entry): Violation[] => {
      if (entry.what !== 'completed' && entry.what !== 'failed') return [];
      const name = key(entry.stepId, entry.version);
      const before = told.get(name);
      told.set(name, life);
      return [...twice(entry, life, before), ...untrue(entry, life, ends.get(name), evidence)];
    }),
  );
  return [...found, ...waited(evidence), ...untold(evidence, ends, told)];
}

function twice({ stepId, version }: Entry, life: string, before: string | undefined): Violation[] {
  if (before === undefined) return [];
  const text = `was told to be settled at version ${version} by ${before}, and again by ${life}`;
  return [{ kind: 'settledTwice', stepId: stepId!, text }];
}

function untrue(entry: Entry, life: string, change: Change | undefined, { lives }: Evidence): Violation[] {
  const { what, stepId, version, run } = entry;
  const kind = 'receipt';
  const told = `was told to be ${what} at version ${version} by ${life}`;
  if (change?.status !== what) return [{ kind, stepId: stepId!, text: `${told}, and was not` }];
  if (lives.get(change.settledBy ?? '') !== life)
    return [{ kind, stepId: stepId!, text: `${told}, which had not settled it` }];
  if (what === 'completed' && run !== change.run)
    return [{ kind, stepId: stepId!, text: `${told} with the result of ${run}, and has that of ${change.run}` }];
  return [];
}

/** What `waitFor` answered is what the step was completed with. */
function waited({ submitters, rows }: Evidence): Violation[] {
  return submitters.flatMap(({ life, entries }) =>
    entries.flatMap(({ what, stepId = '?', run }): Violation[] => {
      if (what !== 'waited') return [];
      const row = rows.get(stepId);
      if (row?.status === 'completed' && (row.result as { run?: string } | null)?.run === run) return [];
      return [{ kind: 'receipt', stepId, text: `was answered to ${life} with the result of ${run}, and is another` }];
    }),
  );
}

function untold(
  { pods, lives, choreography }: Evidence,
  ends: Map<string, Change>,
  told: Map<string, string>,
): Violation[] {
  const orderly = pods.filter(({ entries }) => entries.some(({ what }) => what === 'stopped'));
  /** By life: until when it waited for receipts. */
  const patience = new Map(
    orderly.map(({ life }) => {
      const terminated = choreography.find((entry) => entry.what === 'terminated' && entry.life === life);
      return [life, (terminated?.at ?? Infinity) + DRAIN_MS];
    }),
  );
  return [...ends].flatMap(([name, { stepId, version, status, settledBy, at }]): Violation[] => {
    const life = lives.get(settledBy ?? '') ?? '';
    if (told.has(name) || at > (patience.get(life) ?? -Infinity)) return [];
    return [{ kind: 'receipt', stepId, text: `was ${status} at version ${version} by ${life}, which was never told` }];
  });
}

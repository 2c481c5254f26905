/**
 * Checks the events about settlements. Each is in the file's history, none is emitted twice, and a pod that stopped in
 * order has emitted all of its own. Two exceptions: a pod that was killed after the store settled, and a pod that reports
 * at its stop that it still waited for receipts.
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
  const emitted = new Map<string, string>();
  const found = evidence.pods.flatMap(({ life, entries }) =>
    entries.flatMap((entry): Violation[] => {
      if (entry.what !== 'completed' && entry.what !== 'failed') return [];
      const name = key(entry.stepId, entry.version);
      const before = emitted.get(name);
      emitted.set(name, life);
      return [...twice(entry, life, before), ...untrue(entry, life, ends.get(name), evidence)];
    }),
  );
  return [...found, ...waited(evidence), ...notEmitted(evidence, ends, emitted)];
}

function twice({ stepId, version }: Entry, life: string, before: string | undefined): Violation[] {
  if (before === undefined) return [];
  const text = `was reported as settled at version ${version} by ${before}, and again by ${life}`;
  return [{ kind: 'settledTwice', stepId: stepId!, text }];
}

function untrue(entry: Entry, life: string, change: Change | undefined, { lives }: Evidence): Violation[] {
  const { what, stepId, version, run } = entry;
  const kind = 'receipt';
  const report = `was reported as ${what} at version ${version} by ${life}`;
  if (change?.status !== what) return [{ kind, stepId: stepId!, text: `${report}, but is not` }];
  if (lives.get(change.settledBy ?? '') !== life)
    return [{ kind, stepId: stepId!, text: `${report}, which did not settle it` }];
  if (what === 'completed' && run !== change.run)
    return [{ kind, stepId: stepId!, text: `${report} with the result of ${run}, but has that of ${change.run}` }];
  return [];
}

/** Checks that `waitFor` returned the result with which the step was completed. */
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

function notEmitted(
  { pods, lives, choreography, scale }: Evidence,
  ends: Map<string, Change>,
  emitted: Map<string, string>,
): Violation[] {
  const orderly = pods.filter(({ entries }) => entries.some(({ what }) => what === 'stopped'));
  /** By life: until when it waited for receipts. */
  const waitedUntil = new Map(
    orderly.map(({ life }) => {
      const terminated = choreography.find((entry) => entry.what === 'terminated' && entry.life === life);
      return [life, (terminated?.at ?? Infinity) + DRAIN_MS * scale];
    }),
  );
  return [...ends].flatMap(([name, { stepId, version, status, settledBy, at }]): Violation[] => {
    const life = lives.get(settledBy ?? '') ?? '';
    if (emitted.has(name) || at > (waitedUntil.get(life) ?? -Infinity)) return [];
    return [
      { kind: 'receipt', stepId, text: `was ${status} at version ${version} by ${life}, which emitted no event` },
    ];
  });
}

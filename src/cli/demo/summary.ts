/** The result of the demo, counted from the ledgers, the store, and the independent pass. */
import type { Step } from '../../index.js';
import { expected, isRight } from './check.js';
import type { Entry } from './ledger.js';

/** A pod that was killed with SIGKILL, and what it was then. */
export interface Kill {
  readonly podId: string;
  readonly reason: 'head of the log' | 'leader';
  /** Epoch ms. */
  readonly at: number;
}

export interface Summary {
  readonly submitted: number;
  readonly completed: number;
  /** Submitted, and not completed at the end. */
  readonly lost: number;
  /** Completed, but the independent pass has another result. */
  readonly wrong: number;
  /** Steps for which more than one final settlement was acknowledged. */
  readonly settledTwice: number;
  /** Steps that were started more than once: at-least-once execution at work. */
  readonly ranTwice: number;
  /** Steps that a leader took back from pods that were dead. */
  readonly recovered: number;
  /** Settlements that came too late, so the store refused them. */
  readonly staleRefused: number;
  /** From a SIGKILL to the last of the killed pod's orphans claimed again; with two kills, the longer time. */
  readonly recoveryMs: number;
  readonly seconds: number;
  readonly kills: readonly Omit<Kill, 'at'>[];
}

export interface Evidence {
  readonly root: string;
  /** By stepId. */
  readonly files: ReadonlyMap<string, string>;
  readonly steps: ReadonlyMap<string, Step>;
  readonly entries: readonly Entry[];
  readonly kills: readonly Kill[];
  readonly seconds: number;
}

export function summarize({ root, files, steps, entries, kills, seconds }: Evidence): Summary {
  const completed = [...files].filter(([stepId]) => steps.get(stepId)?.status === 'completed');
  const wrong = completed.filter(([stepId, file]) => !isRight(steps.get(stepId)?.result, expected(root, file)));
  return {
    submitted: files.size,
    completed: completed.length,
    lost: files.size - completed.length,
    wrong: wrong.length,
    settledTwice: repeated(entries, 'settled'),
    ranTwice: repeated(entries, 'started'),
    recovered: new Set(entries.flatMap(({ what, stepIds }) => (what === 'recovered' ? (stepIds ?? []) : []))).size,
    staleRefused: entries.filter(({ what }) => what === 'refused').length,
    recoveryMs: Math.max(...kills.map((kill) => recoveryMs(entries, kill))),
    seconds,
    kills: kills.map(({ podId, reason }) => ({ podId, reason })),
  };
}

/** Whether the queue kept its promises. */
export function isGood({ lost, wrong, settledTwice }: Summary): boolean {
  return lost === 0 && wrong === 0 && settledTwice === 0;
}

function repeated(entries: readonly Entry[], what: Entry['what']): number {
  const counts = new Map<string, number>();
  for (const entry of entries) {
    if (entry.what === what && entry.stepId !== undefined)
      counts.set(entry.stepId, (counts.get(entry.stepId) ?? 0) + 1);
  }
  return [...counts.values()].filter((count) => count > 1).length;
}

/** The time until the last step of the killed pod was claimed again. */
function recoveryMs(entries: readonly Entry[], { podId, at }: Kill): number {
  const cycle = entries.find((entry) => entry.what === 'recovered' && entry.deadPods?.includes(podId) === true);
  const orphans = new Set(cycle?.stepIds);
  const again = new Map<string, number>();
  for (const entry of entries) {
    if (entry.what !== 'claimed' || entry.stepId === undefined || entry.at < at || !orphans.has(entry.stepId)) continue;
    again.set(entry.stepId, Math.min(again.get(entry.stepId) ?? Infinity, entry.at));
  }
  return again.size === 0 ? -1 : Math.max(...again.values()) - at;
}

const LINES: readonly (readonly [Exclude<keyof Summary, 'kills'>, string])[] = [
  ['submitted', 'steps submitted'],
  ['completed', 'completed'],
  ['lost', 'lost (submitted, and not completed at the end)'],
  ['wrong', 'wrong (against an independent pass)'],
  ['settledTwice', 'settled twice'],
  ['ranTwice', 'run more than once (their pod died or froze)'],
  ['recovered', 'recovered from dead pods'],
  ['staleRefused', 'stale settlements refused'],
  ['recoveryMs', 'ms from SIGKILL to the last orphan claimed again'],
  ['seconds', 'seconds in all'],
];

export function textOf(summary: Summary): string {
  const rows = LINES.map(([key, label]) => `  ${summary[key].toLocaleString('en').padStart(8)}  ${label}`);
  const killed = summary.kills.map(({ podId, reason }) => `${podId} (${reason})`).join(', ');
  rows.push(`  ${String(summary.kills.length).padStart(8)}  killed with SIGKILL: ${killed}`);
  const verdict = isGood(summary) ? 'No step is lost, wrong or settled twice.' : 'The queue broke a promise.';
  return `\n${rows.join('\n')}\n\n${verdict}`;
}

/** The report of a run, for people. */
import type { Summary } from './chaos.js';
import type { Verdict } from './checker/verdict.js';

const LINES: readonly (readonly [keyof Summary, string])[] = [
  ['acknowledged', 'steps acknowledged'],
  ['terminal', 'of them terminal'],
  ['lost', 'lost'],
  ['settledTwice', 'settled twice'],
  ['staleAccepted', 'stale settlements accepted'],
  ['kills', 'processes killed with SIGKILL'],
  ['freezes', 'processes frozen with SIGSTOP'],
  ['restarts', 'processes started again'],
  ['violations', 'violations'],
];
const MOST_SHOWN = 20;

export function textOf(summary: Summary, { seen, violations }: Verdict): string {
  const row = (count: number, label: string): string => `  ${count.toLocaleString('en').padStart(9)}  ${label}`;
  const shown = violations.slice(0, MOST_SHOWN).map(({ kind, text, timeline }) => {
    return [`  ${kind}: ${text}`, ...timeline.map((line) => `      ${line}`)].join('\n');
  });
  const more = violations.length > MOST_SHOWN ? [`  … and ${violations.length - MOST_SHOWN} more`] : [];
  return [
    '',
    ...LINES.map(([key, label]) => row(summary[key], label)),
    '',
    ...Object.entries(seen).map(([label, count]) => row(count, label)),
    '',
    ...(violations.length === 0 ? ['Every promise was kept.'] : ['Promises were broken:', ...shown, ...more]),
  ].join('\n');
}

/** The outcomes as a table of Markdown. */
import type { Outcome } from './scenario.js';

const HEADS = [
  ['Pods, load', 'left'],
  ['Scheme', 'left'],
  ['Capacity', 'right'],
  ['Waiters', 'right'],
  ['Refused', 'right'],
  ['Run twice', 'right'],
  ['Statements per 1,000', 'right'],
  ['Submit → start', 'right'],
  ['Late', 'right'],
  ['End → settled', 'right'],
  ['Slots', 'right'],
  ['Credits', 'right'],
] as const;

export function table(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(cellsOf);
  const widths = HEADS.map(([head], i) => Math.max(head.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => (HEADS[i]?.[1] === 'left' ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' | ')} |`;
  const rule = HEADS.map(([, side], i) => {
    const dashes = '-'.repeat(widths[i] ?? 0);
    return side === 'left' ? dashes : `${dashes.slice(1)}:`;
  });
  return `${[line(HEADS.map(([head]) => head)), line(rule), ...rows.map(line)].join('\n')}\n`;
}

function cellsOf(one: Outcome): readonly string[] {
  const both = (p50: number | undefined, p99: number | undefined): string => `${shown(p50)}; ${shown(p99)} s`;
  return [
    `${one.pods.toLocaleString('en')}, ${one.name}`,
    one.scheme === 'naive' ? 'naive' : one.reading === 'b' ? 'FLEET-Q, b' : 'FLEET-Q',
    one.makespanS === null ? shown(one.capacity) : `${shown(one.makespanS)} s`,
    shown(one.waiters),
    shown(one.refused),
    shown(one.doubled),
    shown(one.statementsPer1000),
    both(one.startP50S, one.startP99S),
    both(one.lateP99S, one.latestS),
    both(one.settleP50S, one.settleP99S),
    shown(one.slotsInUse),
    shown(one.creditsPerMillionSteps),
  ];
}

/** A percentile of nothing is NaN, and becomes `null` in JSON. An outcome that was measured earlier may lack a figure. */
function shown(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  return value >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));
}

/** The results as a table, with the bounds, and which bounds were missed. */
import type { Scheme } from './fleets/fleet.js';
import { BOUNDS, FIGURES, isWithin, type Bound, type Figure, type Figures } from './figures/figures.js';

export type Results = Record<Scheme['name'], Figures>;

/** The figures of FLEET-Q that are outside their bounds. A figure with a bound that was not measured is missed. */
export function misses({ ours }: Results): Figure[] {
  return FIGURES.filter((figure) => {
    const [value, bound] = [ours[figure], BOUNDS[figure]];
    return bound !== undefined && (value === null || !isWithin(value, bound));
  });
}

export function table(results: Results): string {
  const missed = new Set(misses(results));
  const rows = FIGURES.map((figure) => {
    const bound = BOUNDS[figure];
    const { ours, direct, naive } = results;
    const verdict = bound === undefined ? '' : missed.has(figure) ? 'MISSED' : 'reached';
    return [
      figure,
      ...[ours, direct, naive].map((all) => shown(all[figure])),
      bound === undefined ? '' : wanted(bound),
      verdict,
    ];
  });
  return [['figure', 'ours', 'direct', 'naive', 'bound', ''], ...rows]
    .map(([name = '', ours = '', direct = '', naive = '', ...rest]) =>
      [name.padEnd(30), ...[ours, direct, naive].map((value) => value.padStart(10)), ...rest].join('  ').trimEnd(),
    )
    .join('\n');
}

function wanted({ least, most }: Bound): string {
  if (least === most) return String(least);
  return least === undefined ? `≤ ${most}` : `≥ ${least}`;
}

export function shown(value: number | null): string {
  if (value === null || Number.isNaN(value)) return '-';
  return value >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));
}

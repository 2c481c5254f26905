/** The result of a hunt, for people and for programs. */
import type { Hunted } from './hunt.js';

/** The last line of the output with `--json`. */
export interface Summary {
  readonly mutants: number;
  readonly caught: number;
  readonly missed: number;
}

export function summaryOf(hunted: readonly Hunted[]): Summary {
  const caught = hunted.filter(({ caughtBy }) => caughtBy !== undefined).length;
  return { mutants: hunted.length, caught, missed: hunted.length - caught };
}

export function lineOf({ mutant, caughtBy, seeds, broken, problem, ms }: Hunted): string {
  const took = `${(ms / 1_000).toFixed(1)} s`;
  const apart = broken === 0 ? '' : `\n    the simulation itself failed with ${broken} seeds: ${problem ?? ''}`;
  if (caughtBy !== undefined)
    return `caught: ${mutant.name} (seed ${caughtBy.seed}, ${took})\n    ${caughtBy.rule}: ${caughtBy.text}${apart}`;
  return `MISSED: ${mutant.name} (${seeds} seeds, ${mutant.world}, ${took})\n    ${mutant.why}${apart}`;
}

/** A table of all mutants, and the count. */
export function textOf(hunted: readonly Hunted[]): string {
  const { mutants, caught, missed } = summaryOf(hunted);
  const rows = [['mutant', 'where', 'seed', 'rule'], ...hunted.map(cellsOf)];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  return [...lines, `${mutants} mutants: ${caught} caught, ${missed} missed`].join('\n');
}

function cellsOf({ mutant, caughtBy, seeds }: Hunted): string[] {
  const where = mutant.compared === undefined ? mutant.world : `text of ${mutant.compared}`;
  if (caughtBy === undefined) return [mutant.name, where, '-', `MISSED within ${seeds} seeds`];
  return [mutant.name, where, String(caughtBy.seed), caughtBy.rule];
}

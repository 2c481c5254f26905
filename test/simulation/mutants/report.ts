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

export function textOf(hunted: readonly Hunted[]): string {
  const { mutants, caught, missed } = summaryOf(hunted);
  return [
    `${mutants} mutants: ${caught} caught, ${missed} missed`,
    ...hunted.filter(({ caughtBy }) => caughtBy === undefined).map(({ mutant }) => `  missed: ${mutant.name}`),
  ].join('\n');
}

/** The result of a trial, for people and for programs. */
import type { Outcome } from './trial.js';

export interface Summary {
  readonly breaks: number;
  readonly killed: number;
  /** `reason` comes from the list; `null` if it has none. */
  readonly survivors: readonly { readonly name: string; readonly reason: string | null }[];
}

export function summaryOf(outcomes: readonly Outcome[]): Summary {
  const survivors = outcomes.filter(({ killedBy }) => killedBy === undefined);
  return {
    breaks: outcomes.length,
    killed: outcomes.length - survivors.length,
    survivors: survivors.map((outcome) => ({ name: outcome.break.name, reason: outcome.break.survives ?? null })),
  };
}

/** Breaks that survive without a reason. */
export function unexplained(outcomes: readonly Outcome[]): Outcome[] {
  return outcomes.filter(({ killedBy, break: { survives } }) => killedBy === undefined && survives === undefined);
}

/** Breaks that a test kills although the list says that none can. */
export function wronglyExplained(outcomes: readonly Outcome[]): Outcome[] {
  return outcomes.filter(({ killedBy, break: { survives } }) => killedBy !== undefined && survives !== undefined);
}

export function textOf(outcomes: readonly Outcome[]): string {
  const { breaks, killed, survivors } = summaryOf(outcomes);
  const hung = outcomes.filter(({ byTimeOut }) => byTimeOut);
  return [
    `${breaks} breaks: ${killed} killed (${hung.length} of them by time-out), ${survivors.length} survived`,
    ...hung.map((outcome) => `  killed by time-out: ${outcome.break.name}`),
    ...survivors.map(
      ({ name, reason }) => `  survived: ${name}: ${reason ?? 'NO REASON GIVEN: write a test that fails for it'}`,
    ),
    ...wronglyExplained(outcomes).map(
      ({ break: { name }, killedBy }) => `  WRONG REASON: ${name}: killed by ${killedBy ?? ''}`,
    ),
  ].join('\n');
}

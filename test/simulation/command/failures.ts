/**
 * What went wrong among many seeds: for each rule the lowest seed that broke it, and how many did.
 *
 * Invariants:
 * - The result does not depend on the order in which seeds end.
 */
import type { Finding } from './judgement.js';
import type { SeedResult } from './seed-process.js';

/** The rule that is broken if the simulation itself fails: it threw, ended its process, or did not end. */
export const SIMULATION = 'simulation';

export interface Failure {
  readonly rule: string;
  /** The lowest seed that broke it. */
  readonly seed: number;
  /** How many seeds broke it. */
  readonly seeds: number;
  /** All that was found for that seed, of every rule. */
  readonly findings: readonly Finding[];
}

export class Failures {
  readonly #byRule = new Map<string, Failure>();
  /** Findings of all seeds. */
  violations = 0;

  add(result: SeedResult): void {
    const findings = findingsOf(result);
    this.violations += findings.length;
    for (const rule of new Set(findings.map((finding) => finding.rule))) {
      const before = this.#byRule.get(rule);
      const seeds = (before?.seeds ?? 0) + 1;
      const isLower = before === undefined || result.seed < before.seed;
      this.#byRule.set(rule, isLower ? { rule, seed: result.seed, seeds, findings } : { ...before, seeds });
    }
  }

  /** By seed. */
  get list(): readonly Failure[] {
    return [...this.#byRule.values()].toSorted((a, b) => a.seed - b.seed || a.rule.localeCompare(b.rule));
  }
}

export function findingsOf({ findings, broken }: Omit<SeedResult, 'seed'>): readonly Finding[] {
  return broken === undefined ? findings : [{ rule: SIMULATION, at: 0, text: broken }];
}

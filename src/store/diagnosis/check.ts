/** A check of a diagnosis: its name, why it matters, and how it looks. */
import type { FindingLevel } from '../contract.js';

/** What a check has seen. */
export interface Observation {
  readonly level: FindingLevel;
  readonly message: string;
  readonly advice: string | null;
}

export interface Check<Context> {
  readonly check: string;
  readonly why: string;
  /** May throw: the check then counts as not made. `undefined`: the check does not apply here. */
  readonly look: (context: Context) => Observation | undefined | Promise<Observation | undefined>;
}

/** Gives the checks their type. */
export function checks<Context>(list: readonly Check<Context>[]): readonly Check<Context>[] {
  return Object.freeze(list);
}

export function ok(message: string): Observation {
  return { level: 'ok', message, advice: null };
}

export function warning(message: string, advice: string): Observation {
  return { level: 'warning', message, advice };
}

export function failure(message: string, advice: string): Observation {
  return { level: 'failure', message, advice };
}

/** What a process that runs seeds is asked, and what it answers. */
import type { Plan, WorldName } from '../plan/plan.js';

/** One breach of a rule in one history. */
export interface Finding {
  readonly rule: string;
  /** When it showed, by the world's time in ms. */
  readonly at: number;
  readonly text: string;
}

export interface Judgement {
  readonly findings: readonly Finding[];
  /** The text of the history; only if it was asked for. */
  readonly trace?: string;
}

/** Runs plans. A process that runs seeds is given one, so that tests of the command need no fleet. */
export interface Judge {
  /** @param statement of a comparison of statements: the one that is compared */
  planOf(world: WorldName, seed: number, statement?: string): Plan;
  judge(plan: Plan, withTrace: boolean): Promise<Judgement>;
}

export interface Batch {
  readonly world: WorldName;
  readonly from: number;
  readonly count: number;
  readonly statement?: string | undefined;
}

export type Request =
  | ({ readonly do: 'seeds' } & Batch)
  | { readonly do: 'plan'; readonly plan: Plan; readonly withTrace: boolean }
  | { readonly do: 'make'; readonly world: WorldName; readonly seed: number };

export type Reply =
  /** One seed of a batch was run. */
  | { readonly is: 'seed'; readonly seed: number; readonly findings: readonly Finding[] }
  | { readonly is: 'judged'; readonly judgement: Judgement }
  | { readonly is: 'made'; readonly plan: Plan }
  /** The simulation itself failed. `seed` is absent for a plan. */
  | { readonly is: 'broken'; readonly seed?: number; readonly error: string }
  | { readonly is: 'done' };

/** What a measurement is: one question that the documentation leaves open, what fleet-q assumes, and how to find out. */
import type { LiveAccount } from './account.js';

/**
 * - `as assumed`: the account does what fleet-q assumes.
 * - `differs`: it does something else. fleet-q works, but a figure or a default should change.
 * - `fatal`: a guarantee of fleet-q does not hold on this account. Do not use it.
 * - `unanswered`: the account, or a missing flag, did not allow the question.
 */
export type Verdict = 'as assumed' | 'differs' | 'fatal' | 'unanswered';

export interface Finding {
  readonly verdict: Verdict;
  /** One sentence. */
  readonly answer: string;
  readonly evidence?: readonly string[];
  /** Times in ms, counts, credits. */
  readonly figures?: Readonly<Record<string, number>>;
}

export interface Measurement {
  /** In lower case, with hyphens; `--only` takes it. */
  readonly name: string;
  readonly question: string;
  readonly assumed: string;
  /** How long it takes at most, by estimate. It starts only if that fits into the budget. */
  readonly minutes: number;
  run(account: LiveAccount): Promise<Finding>;
}

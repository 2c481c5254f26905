/**
 * What the check has cost, and whether the next part fits into the budget.
 *
 * Invariants:
 * - The cost is never counted too low: from the first statement on, the warehouse counts as running; the time until it suspends
 *   by itself is counted in advance; each resume counts as a minute at least.
 * - Cloud services are billed above a tenth of the day's warehouse credits. Here all of them count, by an estimate of a statement.
 */

export interface BudgetOptions {
  readonly maxCredits: number;
  readonly maxMinutes: number;
  readonly creditsPerHour: number;
  /** How long the warehouse runs on after the last statement. */
  readonly tailSeconds: number;
  /** How many statements were sent. */
  readonly statements: () => number;
  /** A clock in ms that only rises. */
  readonly now: () => number;
}

/** Snowflake publishes no figure for a statement. What its own examples of QUERY_HISTORY show is at most this. */
const CLOUD_CREDITS_PER_STATEMENT = 0.0001;
const LEAST_SECONDS = 60;

export class Budget {
  readonly #options: BudgetOptions;
  readonly #startedAt: number;
  #resumes = 0;

  constructor(options: BudgetOptions) {
    this.#options = options;
    this.#startedAt = options.now();
  }

  /** The warehouse was resumed once more. */
  resumed(): void {
    this.#resumes++;
  }

  get statements(): number {
    return this.#options.statements();
  }

  get minutes(): number {
    return (this.#options.now() - this.#startedAt) / 60_000;
  }

  get credits(): number {
    return this.#creditsAfter(this.minutes);
  }

  /** Whether further `minutes` pass neither limit. */
  fits(minutes: number): boolean {
    const after = this.minutes + minutes;
    return after <= this.#options.maxMinutes && this.#creditsAfter(after) <= this.#options.maxCredits;
  }

  /** How long the check may still run, in ms. */
  get remainingMs(): number {
    const { maxCredits, maxMinutes, creditsPerHour, tailSeconds } = this.#options;
    const seconds = ((maxCredits - this.#fixedCredits()) / creditsPerHour) * 3_600 - tailSeconds;
    return seconds < LEAST_SECONDS - tailSeconds
      ? 0
      : Math.max(0, Math.min(maxMinutes * 60, seconds) - this.minutes * 60) * 1_000;
  }

  #creditsAfter(minutes: number): number {
    const { creditsPerHour, tailSeconds } = this.#options;
    const seconds = Math.max(LEAST_SECONDS, minutes * 60 + tailSeconds);
    return (seconds / 3_600) * creditsPerHour + this.#fixedCredits();
  }

  #fixedCredits(): number {
    const resumes = (this.#resumes * LEAST_SECONDS * this.#options.creditsPerHour) / 3_600;
    return resumes + this.statements * CLOUD_CREDITS_PER_STATEMENT;
  }
}

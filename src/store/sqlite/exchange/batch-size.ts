/** How many steps fit into a transaction of about 2 ms, learned from earlier ones. */
import type { Claim, ExchangeRequest } from '../../contract.js';

const TARGET_MS = 2;
const TARGET_CHARACTERS = 2_000_000;
const LEAST_BY_TIME = 100;
const MOST = 1_000;
/** The weight of a faster and of a slower transaction in the mean. Other load on the machine only makes them slower. */
const FASTER_WEIGHT = 0.2;
const SLOWER_WEIGHT = 0.05;
/** The weight of each transaction in the mean of the texts. */
const TEXT_WEIGHT = 0.5;
/** With fewer rows, the time is that of the commit, not of the rows. */
const LEAST_ROWS = 20;

export class BatchSize {
  #msPerStep = TARGET_MS / 250;
  #charactersPerStep = 0;

  /** The most steps that an exchange should settle, and claim. Large texts lower it, on any machine. */
  get batch(): number {
    const byTime = Math.max(LEAST_BY_TIME, Math.round(TARGET_MS / this.#msPerStep));
    const byText = Math.floor(TARGET_CHARACTERS / Math.max(1, this.#charactersPerStep));
    return Math.max(1, Math.min(MOST, byTime, byText));
  }

  /**
   * @param steps those that a transaction settled or claimed, whichever were more
   * @param characters of their payloads and results
   */
  learn(steps: number, tookMs: number, characters: number): void {
    if (steps === 0) return;
    this.#charactersPerStep += TEXT_WEIGHT * (characters / steps - this.#charactersPerStep);
    if (steps < LEAST_ROWS) return;
    const difference = tookMs / steps - this.#msPerStep;
    this.#msPerStep += (difference < 0 ? FASTER_WEIGHT : SLOWER_WEIGHT) * difference;
  }
}

/** The characters of the payloads and results of an exchange. */
export function charactersOf({ settlements }: ExchangeRequest, claims: readonly Claim[]): number {
  let characters = 0;
  for (const { result } of settlements) characters += result?.length ?? 0;
  for (const { payload } of claims) characters += payload.length;
  return characters;
}

/**
 * Decides whether this pod is fit to lead: after three bad recovery cycles in a row it is not eligible for a while.
 *
 * Invariants: a cycle is bad if it fails or takes longer than its interval. A good cycle resets the count.
 */
import type { Runtime } from '../runtime/runtime.js';

const BAD_CYCLES = 3;
const INELIGIBLE_FOR_INTERVALS = 10;

export class LeaderFitness {
  readonly #runtime: Runtime;
  readonly #intervalMs: number;
  #badCycles = 0;
  #ineligibleUntil = -Infinity;

  constructor(runtime: Runtime, settings: { readonly recoveryIntervalMs: number }) {
    this.#runtime = runtime;
    this.#intervalMs = settings.recoveryIntervalMs;
  }

  get eligible(): boolean {
    return this.#runtime.monotonicMs() >= this.#ineligibleUntil;
  }

  /** A cycle of this leader succeeded within its interval. */
  good(): void {
    this.#badCycles = 0;
  }

  /** A cycle of this leader failed, or took longer than its interval. */
  bad(): void {
    if (++this.#badCycles < BAD_CYCLES) return;
    this.#badCycles = 0;
    this.#ineligibleUntil = this.#runtime.monotonicMs() + INELIGIBLE_FOR_INTERVALS * this.#intervalMs;
  }
}

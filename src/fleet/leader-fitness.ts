/** Whether a leader is fit to lead: one whose cycles fail or overrun three times running stands down for a while. */
import type { Runtime } from '../runtime/runtime.js';

const STRIKES = 3;
const STANDS_DOWN_FOR_INTERVALS = 10;

export class LeaderFitness {
  readonly #runtime: Runtime;
  readonly #intervalMs: number;
  #strikes = 0;
  #downUntil = -Infinity;

  constructor(runtime: Runtime, settings: { readonly recoveryIntervalMs: number }) {
    this.#runtime = runtime;
    this.#intervalMs = settings.recoveryIntervalMs;
  }

  get eligible(): boolean {
    return this.#runtime.monotonicMs() >= this.#downUntil;
  }

  /** A cycle of the leader went well, in time. */
  succeeded(): void {
    this.#strikes = 0;
  }

  /** A cycle of the leader failed, or took longer than its interval. */
  struck(): void {
    if (++this.#strikes < STRIKES) return;
    this.#strikes = 0;
    this.#downUntil = this.#runtime.monotonicMs() + STANDS_DOWN_FOR_INTERVALS * this.#intervalMs;
  }
}

/**
 * Decides whether this pod is fit to lead: after three bad recovery cycles in a row, or if it stalls too much, it is not
 * eligible for a while.
 *
 * Invariants:
 * - A cycle is bad if it fails or takes longer than its interval. A good cycle resets the count.
 * - A pod stalls too much if it has lost more than half of a window of its looks at the fleet (see `own-stalls.ts`). The window is
 *   its dead-after. One look counts as a third of the window at most, so that one long freeze is not enough.
 * - A pod that goes on stalling stays ineligible.
 */
import type { Log } from '../log.js';
import type { Runtime } from '../runtime/runtime.js';

const BAD_CYCLES = 3;
const INELIGIBLE_FOR_INTERVALS = 10;
/** If more of a window is lost, another pod is to lead. */
const MOST_LOST = 1 / 2;
/** What one look may count for, as a share of the window. */
const MOST_OF_ONE_LOOK = 1 / 3;

/** A look at the fleet. */
export interface Look {
  /** Since the look before. */
  readonly passedMs: number;
  /** To stalls of this pod. */
  readonly lostMs: number;
  readonly windowMs: number;
}

export class LeaderFitness {
  readonly #runtime: Runtime;
  readonly #intervalMs: number;
  readonly #log: Log;
  #badCycles = 0;
  #ineligibleUntil = -Infinity;
  #passedMs = 0;
  #lostMs = 0;

  constructor(runtime: Runtime, settings: { readonly recoveryIntervalMs: number }, log: Log) {
    this.#runtime = runtime;
    this.#intervalMs = settings.recoveryIntervalMs;
    this.#log = log;
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
    this.#standDown();
  }

  /** This pod has looked at the fleet. */
  looked({ passedMs, lostMs, windowMs }: Look): void {
    const countedMs = Math.min(lostMs, MOST_OF_ONE_LOOK * windowMs);
    this.#lostMs += countedMs;
    this.#passedMs += passedMs - lostMs + countedMs;
    if (this.#passedMs < windowMs) return;
    if (this.#lostMs > MOST_LOST * this.#passedMs) this.#stallsTooMuch();
    this.#passedMs = this.#lostMs = 0;
  }

  #stallsTooMuch(): void {
    const [lostMs, passedMs] = [this.#lostMs, this.#passedMs];
    const retryInMs = INELIGIBLE_FOR_INTERVALS * this.#intervalMs;
    if (this.eligible)
      this.#log.warn(
        { lostMs, passedMs, retryInMs },
        'pod stalls again and again: its heartbeats are late; another pod is to lead',
      );
    this.#standDown();
  }

  #standDown(): void {
    this.#ineligibleUntil = this.#runtime.monotonicMs() + INELIGIBLE_FOR_INTERVALS * this.#intervalMs;
  }
}

/** A fleet of pods on one warehouse, and what became of its steps. */
import { Pacer, type PacerOptions } from '../../../../../src/store/snowflake/combining/pacer.js';
import { RecentTokens } from '../../../../../src/store/snowflake/combining/recent-tokens.js';
import { ModelClock } from './model-clock.js';
import { Pod } from './pod.js';
import { Tables } from './tables.js';
import { Warehouse, X_SMALL, type Latencies } from './warehouse.js';

export interface FleetOptions {
  readonly pods: number;
  readonly seed: number;
  readonly latencies?: Partial<Latencies>;
  /** A read is late by a random time up to this one. */
  readonly lateMs?: number;
  /** All pods start within this time. */
  readonly startWithinMs?: number;
  readonly roundTrip?: 'longest' | 'mean';
  readonly eases?: boolean;
  readonly pacer?: (options: PacerOptions) => Pacer;
  readonly tokens?: () => RecentTokens;
}

const SLOTS = 10;
const STEP_MS = 1_000;

export class Fleet {
  readonly clock: ModelClock;
  readonly warehouse: Warehouse;
  readonly #tables: Tables;
  readonly #pods: number;
  readonly #settleMs: number[] = [];
  readonly #startMs: number[] = [];

  constructor(options: FleetOptions) {
    const { pods, seed, lateMs = 0, startWithinMs = 50 * pods, roundTrip = 'longest', eases = true } = options;
    const latencies = { ...X_SMALL, ...options.latencies };
    this.#pods = pods;
    this.clock = new ModelClock(seed);
    this.warehouse = new Warehouse(this.clock, latencies);
    this.#tables = new Tables(this.clock, pods, lateMs);
    const pacerOptions = { statementSlots: latencies.slots, combines: true };
    for (let id = 0; id < pods; id++) {
      const pod = new Pod(id, {
        ...{ clock: this.clock, warehouse: this.warehouse, tables: this.#tables },
        ...{ pods, slots: SLOTS, stepMs: STEP_MS, roundTrip, eases },
        pacer: options.pacer?.(pacerOptions) ?? new Pacer(pacerOptions),
        tokens: options.tokens?.() ?? new RecentTokens(),
        lateness: () => this.clock.random() * lateMs,
        onStarted: (step) => {
          const started = this.#tables.steps[step]!;
          if (++started.runs === 1) this.#startMs.push(this.clock.now - started.submittedAt);
        },
        onSettled: (ms) => this.#settleMs.push(ms),
      });
      void pod.run(this.clock.random() * startWithinMs);
    }
  }

  submit(count: number): void {
    this.#tables.submit(count);
  }

  /** Runs for the given time, or until all steps are done. */
  async run(ms: number): Promise<void> {
    await this.clock.runUntil(this.clock.now + ms, () => this.isDone);
  }

  get isDone(): boolean {
    return this.#tables.steps.length > 0 && this.#tables.done === this.#tables.steps.length;
  }

  get done(): number {
    return this.#tables.done;
  }

  /** How often steps ran beyond their first time. */
  get runsTooMany(): number {
    return this.#tables.steps.reduce((sum, { runs }) => sum + Math.max(0, runs - 1), 0);
  }

  /** From the submission of a step to its start, in ms. */
  startMs(share: number): number {
    return quantile(this.#startMs, share);
  }

  /** From the end of a step to its settlement, in ms. */
  settleMs(share: number): number {
    return quantile(this.#settleMs, share);
  }

  /** The share of its capacity that the fleet used after it was warm. What waited for the lock is counted from then on. */
  async capacity(warmMs: number, ms: number): Promise<number> {
    this.submit(Math.ceil((1.3 * this.#pods * SLOTS * (warmMs + ms)) / STEP_MS));
    await this.run(warmMs);
    this.warehouse.lock.mostWaiting = 0;
    const before = this.done;
    await this.run(ms);
    return ((this.done - before) * STEP_MS) / (this.#pods * SLOTS * ms);
  }
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0);
}

/**
 * Keeps the last counts of this process, so that all its readers share them.
 *
 * Invariants:
 * - A call that accepts no age counts anew: it sees what was written before the call.
 * - Calls that accept an age share the last counts, or the counting in progress.
 * - A failure is not kept.
 */
import type { Runtime } from './runtime/runtime.js';
import type { Counted, QueueStats } from './stats.js';

interface Kept {
  readonly counts: Counted;
  readonly startedAt: number;
  /** When the store answered, on the monotonic clock. */
  readonly at: number;
}

export class StatsCache {
  readonly #runtime: Runtime;
  #last: Kept | undefined;
  #counting: Promise<Kept> | undefined;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** @param count asks the store */
  async read(maxAgeMs: number, count: () => Promise<Counted>): Promise<QueueStats> {
    const { counts, startedAt, at } = this.#kept(maxAgeMs) ?? (await this.#shared(maxAgeMs, count));
    const ageMs = Math.round(this.#runtime.monotonicMs() - at);
    return { ...counts, ageMs, tookMs: Math.round(at - startedAt) };
  }

  #kept(maxAgeMs: number): Kept | undefined {
    const last = this.#last;
    return last !== undefined && this.#runtime.monotonicMs() - last.at < maxAgeMs ? last : undefined;
  }

  #shared(maxAgeMs: number, count: () => Promise<Counted>): Promise<Kept> {
    if (maxAgeMs > 0 && this.#counting !== undefined) return this.#counting;
    const counting = this.#count(count).finally(() => {
      if (this.#counting === counting) this.#counting = undefined;
    });
    this.#counting = counting;
    return counting;
  }

  async #count(count: () => Promise<Counted>): Promise<Kept> {
    const startedAt = this.#runtime.monotonicMs();
    const kept = { counts: await count(), startedAt, at: this.#runtime.monotonicMs() };
    // A count that began later may have answered earlier.
    if (this.#last === undefined || this.#last.startedAt <= startedAt) this.#last = kept;
    return kept;
  }
}

/**
 * Decides when a pod that drains permanently may leave the fleet.
 *
 * Invariants:
 * - It leaves when it has held nothing at two heartbeats in a row: the last outcomes get their receipts in between.
 * - What still runs is aborted while one more heartbeat fits into the time for draining. When that time is over, the pod leaves anyway.
 */
import type { Settings } from '../options.js';
import type { Runtime } from '../runtime/runtime.js';
import type { WorkerPool } from '../pool-interface.js';
import type { HeartbeatPace } from './heartbeat-pace.js';

export interface PermanentDrainDependencies {
  readonly runtime: Pick<Runtime, 'monotonicMs'>;
  readonly pool: Pick<WorkerPool, 'retire' | 'fence' | 'load'>;
  readonly settings: Pick<Settings, 'drainTimeoutMs' | 'abortGraceMs'>;
  readonly pace: Pick<HeartbeatPace, 'intervalMs'>;
}

export class PermanentDrain {
  readonly #deps: PermanentDrainDependencies;
  /** On the monotonic clock. */
  #since: number | undefined;
  /** Whether nothing was held at the last heartbeat. */
  #idle = false;

  constructor(deps: PermanentDrainDependencies) {
    this.#deps = deps;
  }

  /** A heartbeat was answered. @param wasHalted whether the answer ended a fence @returns whether the pod may leave */
  answered(wasHalted: boolean): boolean {
    const { runtime, pool, settings, pace } = this.#deps;
    if (wasHalted) pool.retire(); // let it go on
    const now = runtime.monotonicMs();
    this.#since ??= now;
    const drainsForMs = now - this.#since;
    if (drainsForMs + pace.intervalMs > settings.drainTimeoutMs) pool.fence(true); // the next beat is too late
    const isOver = drainsForMs > settings.drainTimeoutMs + settings.abortGraceMs;
    const wasIdle = this.#idle;
    const { unstarted, running, unsettled } = pool.load;
    this.#idle = unstarted + running + unsettled === 0;
    return (this.#idle && wasIdle) || isOver;
  }
}

/**
 * Removes steps that are past their retention while this pod leads.
 *
 * Invariants:
 * - It removes in small pieces, with the event loop free between two of them.
 * - When no more is left it rests for at least a minute.
 * - It stops between two pieces when leadership ends.
 */
import { loggedError, type Log } from '../log.js';
import type { Settings } from '../options.js';
import { Loop } from '../runtime/loop.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Service } from '../runtime/service.js';
import { withTimeout } from '../runtime/with-timeout.js';
import type { Store } from '../store/contract.js';
import type { Elector } from './elector.js';

export interface HousekeepingDependencies {
  readonly runtime: Runtime;
  readonly store: Pick<Store, 'prune'>;
  readonly settings: Pick<Settings, 'retentionMs' | 'recoveryIntervalMs'>;
  readonly elector: Elector;
  readonly log: Log;
}

const SHORTEST_INTERVAL_MS = 60_000;

export class Housekeeping implements Service {
  readonly #deps: HousekeepingDependencies;
  readonly #loop: Loop;
  readonly #intervalMs: number;
  readonly #ended = new AbortController();

  constructor(deps: HousekeepingDependencies) {
    this.#deps = deps;
    this.#intervalMs = Math.max(SHORTEST_INTERVAL_MS, 4 * deps.settings.recoveryIntervalMs);
    this.#loop = new Loop(deps.runtime, () => this.#tick(), { ref: false, onError: (error) => this.#failed(error) });
    deps.elector.onElected(() => this.#loop.wake());
  }

  start(): Promise<void> {
    return this.#loop.start();
  }

  stop(): Promise<void> {
    this.#ended.abort();
    return this.#loop.stop();
  }

  /** Whether a call runs. */
  get busy(): boolean {
    return this.#loop.busy;
  }

  /** Removes one piece. */
  async #tick(): Promise<number> {
    const { runtime, store, settings, elector } = this.#deps;
    if (!elector.isLeader) return Infinity; // woken when elected
    const prune = (): ReturnType<Store['prune']> => store.prune({ keepMs: settings.retentionMs });
    const { more } = await withTimeout(runtime, prune, { signal: this.#ended.signal });
    return more ? 0 : this.#intervalMs;
  }

  #failed(error: unknown): number {
    const retryMs = this.#intervalMs;
    if (!this.#ended.signal.aborted)
      this.#deps.log.warn(
        { error: loggedError(error), retryInMs: retryMs },
        'housekeeping failed; steps past their retention stay until the next run',
      );
    return retryMs;
  }
}

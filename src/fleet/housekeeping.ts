/**
 * Housekeeping: the leader removes what is past its retention.
 *
 * Law: in small pieces, between which the event loop is free; at a calm interval; and it stops between two pieces when
 * leadership ends.
 */
import { asError } from '../errors.js';
import type { Log } from '../log.js';
import type { Settings } from '../options.js';
import { Loop } from '../runtime/loop.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Service } from '../runtime/service.js';
import { withTimeout } from '../runtime/with-timeout.js';
import type { Store } from '../store/contract.js';
import type { Elector } from './elector.js';

export interface HousekeepingParts {
  readonly runtime: Runtime;
  readonly store: Pick<Store, 'prune'>;
  readonly settings: Pick<Settings, 'retentionMs' | 'recoveryIntervalMs'>;
  readonly elector: Elector;
  readonly log: Log;
}

const AT_LEAST_EVERY_MS = 60_000;

export class Housekeeping implements Service {
  readonly #parts: HousekeepingParts;
  readonly #loop: Loop;
  readonly #intervalMs: number;
  readonly #ended = new AbortController();

  constructor(parts: HousekeepingParts) {
    this.#parts = parts;
    this.#intervalMs = Math.max(AT_LEAST_EVERY_MS, 4 * parts.settings.recoveryIntervalMs);
    this.#loop = new Loop(parts.runtime, () => this.#tick(), { ref: false, onError: (error) => this.#failed(error) });
    parts.elector.onElected(() => this.#loop.wake());
  }

  start(): Promise<void> {
    return this.#loop.start();
  }

  stop(): Promise<void> {
    this.#ended.abort();
    return this.#loop.stop();
  }

  /** One piece. */
  async #tick(): Promise<number> {
    const { runtime, store, settings, elector } = this.#parts;
    if (!elector.isLeader) return Infinity; // woken when elected
    const prune = (): ReturnType<Store['prune']> => store.prune({ keepMs: settings.retentionMs });
    const { more } = await withTimeout(runtime, prune, { signal: this.#ended.signal });
    return more ? 0 : this.#intervalMs;
  }

  #failed(error: unknown): number {
    const { log } = this.#parts;
    if (!this.#ended.signal.aborted) log.warn({ error: asError(error).message }, 'housekeeping failed');
    return this.#intervalMs;
  }
}

/**
 * Housekeeping: the leader removes what is past its retention.
 *
 * Law: in small pieces, between which the event loop is free; at a calm interval; and it stops between two pieces when
 * leadership ends.
 */
import type { Events } from '../events.js';
import type { Log } from '../log.js';
import type { Settings } from '../options.js';
import { Loop } from '../runtime/loop.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Service } from '../runtime/service.js';
import type { Store } from '../store/contract.js';
import type { Elector } from './elector.js';
import { Outage } from './outage.js';
import { within } from './within.js';

export interface HousekeepingParts {
  readonly runtime: Runtime;
  readonly store: Pick<Store, 'prune'>;
  readonly settings: Pick<Settings, 'retentionMs' | 'recoveryIntervalMs'>;
  readonly elector: Elector;
  readonly events: Events;
  readonly log: Log;
}

const AT_LEAST_EVERY_MS = 60_000;

export class Housekeeping implements Service {
  readonly #parts: HousekeepingParts;
  readonly #loop: Loop;
  readonly #outage: Outage;
  readonly #intervalMs: number;
  readonly #ended = new AbortController();

  constructor(parts: HousekeepingParts) {
    this.#parts = parts;
    this.#intervalMs = Math.max(AT_LEAST_EVERY_MS, 4 * parts.settings.recoveryIntervalMs);
    this.#outage = new Outage(parts, 'housekeeping');
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
    const { more } = await within(runtime, prune, { signal: this.#ended.signal });
    this.#outage.over();
    return more ? 0 : this.#intervalMs;
  }

  #failed(error: unknown): number {
    if (!this.#ended.signal.aborted) this.#outage.failed(error);
    return this.#intervalMs;
  }
}

/**
 * The announcement that a pod sleeps, from the wish to sleep to the first answer after waking.
 *
 * Invariants:
 * - It is made once the heartbeat that carries it was answered, unless it was withdrawn meanwhile. From then on no heartbeat is due, the
 *   pod is not fenced for its silence, and it does not lead.
 * - Whatever withdraws it rejects the caller of `request`, so no pod sleeps that is fenced, drains or has been woken.
 * - The pod counts as awake with the first answer after `wake`, not before.
 */
import { StoppedError } from '../errors.js';
import type { Elector } from './elector.js';
import type { PeerWatch } from './peer-watch.js';
import type { SelfFence } from './self-fence.js';

export interface SleepAnnouncementDependencies {
  readonly fence: Pick<SelfFence, 'rest'>;
  readonly elector: Pick<Elector, 'lapse' | 'reset'>;
  readonly peers: Pick<PeerWatch, 'rest'>;
}

export class SleepAnnouncement {
  readonly #deps: SleepAnnouncementDependencies;
  #requested: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | undefined;
  #made = false;
  #onAwake: (() => void) | undefined;

  constructor(deps: SleepAnnouncementDependencies) {
    this.#deps = deps;
  }

  /** Whether the next heartbeat announces that the pod sleeps. */
  get requested(): boolean {
    return this.#requested !== undefined;
  }

  /** Whether the fleet knows that the pod sleeps: it sends no heartbeats. */
  get made(): boolean {
    return this.#made;
  }

  /** Whether the pod was woken, and no heartbeat has been answered since. */
  get waking(): boolean {
    return this.#onAwake !== undefined;
  }

  /** The next heartbeat announces it. @returns resolves when it is made; rejects when it is withdrawn */
  request(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#requested = { resolve, reject };
    });
  }

  /** The pod stays awake. A heartbeat must follow, because the announcement may have arrived. */
  withdraw(reason: unknown = new StoppedError('sleep')): void {
    this.#requested?.reject(reason);
    this.#requested = undefined;
    this.#made = false;
  }

  /** The pod sleeps no more. @param onAwake called when a heartbeat was answered */
  wake(onAwake: () => void): void {
    this.withdraw();
    this.#onAwake = onAwake;
  }

  /** The heartbeat that carries it was answered. @returns false if it was withdrawn meanwhile */
  answered(): boolean {
    const requested = this.#requested;
    if (requested === undefined) return false;
    this.#requested = undefined;
    this.#made = true;
    const { fence, elector, peers } = this.#deps;
    elector.lapse();
    elector.reset();
    fence.rest();
    peers.rest();
    requested.resolve();
    return true;
  }

  /** A heartbeat without it was answered. */
  awake(): void {
    const onAwake = this.#onAwake;
    this.#onAwake = undefined;
    onAwake?.();
  }
}

/**
 * The present incarnation's place in the fleet.
 *
 * Invariants:
 * - It counts as registered until something is known against it. A registration that was sent may have happened, whatever
 *   became of the call: then the pod has to leave.
 * - A view without it proves that it was evicted only if the heartbeat was sent at least `staleReadMs` after its
 *   registration: a session that took the place of another may see the registration late.
 * - Peers may see its signs of life late by `staleReadMs`. So it registers a longer dead-after than its own, and is fenced
 *   before any of them may declare it dead.
 */
import type { Log } from '../log.js';
import type { Settings } from '../options.js';
import type { Runtime } from '../runtime/runtime.js';
import { withTimeout } from '../runtime/with-timeout.js';
import type { Store } from '../store/contract.js';
import { HedgedCall, type HedgeOptions } from './hedged-call.js';
import type { PodIdentity } from './pod-identity.js';

export interface RegistrationParts {
  readonly runtime: Runtime;
  readonly store: Pick<Store, 'register' | 'leave' | 'staleReadMs'>;
  readonly settings: Pick<Settings, 'heartbeatIntervalMs' | 'deadAfterMs'>;
  readonly identity: PodIdentity;
  readonly log: Log;
  /** What the pod tells its peers about itself. */
  readonly meta: () => Readonly<Record<string, unknown>>;
}

/** How long the pod waits for the store to take note that it leaves. */
const LEAVE_WITHIN_MS = 3_000;

export class Registration {
  readonly #parts: RegistrationParts;
  readonly #registrations: HedgedCall<void>;
  /** When its registration was answered; `undefined`: it has to register. */
  #registeredAt: number | undefined;
  /** Its registration has been sent, whatever became of it. */
  #mayBeMember = false;

  constructor(parts: RegistrationParts, hedge: HedgeOptions) {
    this.#parts = parts;
    this.#registrations = new HedgedCall(hedge);
  }

  get registered(): boolean {
    return this.#registeredAt !== undefined;
  }

  async register(): Promise<void> {
    const { runtime, store, identity, settings, meta } = this.#parts;
    const { heartbeatIntervalMs: heartbeatMs } = settings;
    const deadAfterMs = settings.deadAfterMs + store.staleReadMs;
    await this.#registrations.ask(async () => {
      this.#mayBeMember = true;
      await store.register({ ...identity.pod, heartbeatMs, deadAfterMs, meta: meta() });
    });
    this.#registeredAt = runtime.monotonicMs();
  }

  /** Whether a view proves that the pod is no member, where a heartbeat that was sent then does not show it. */
  isRefutedBy(sentAt: number): boolean {
    return this.#registeredAt === undefined || sentAt - this.#registeredAt >= this.#parts.store.staleReadMs;
  }

  /** The incarnation is no member any more; what comes next registers anew. */
  evicted(): void {
    this.#registeredAt = undefined;
    this.#mayBeMember = false;
    this.#registrations.forget();
  }

  /** Never rejects. @returns whether the store has taken note that it left */
  async leave(): Promise<boolean> {
    const { runtime, store, identity, log } = this.#parts;
    const { pod } = identity;
    if (!this.#mayBeMember) return false;
    this.#registeredAt = undefined;
    this.#mayBeMember = false;
    try {
      await withTimeout(runtime, () => store.leave(pod), { timeoutMs: LEAVE_WITHIN_MS });
      return true;
    } catch (error) {
      // Its peers will find it silent, and evict it.
      log.warn({ ...pod, error: String(error) }, 'could not leave the fleet');
      return false;
    }
  }
}

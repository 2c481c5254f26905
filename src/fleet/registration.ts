/**
 * Registers the present incarnation with the store, and takes it out again.
 *
 * Invariants:
 * - It counts as registered until the opposite is known. A registration that was sent may have happened even if the call
 *   failed: then the pod has to leave.
 * - A view that does not show the incarnation proves its eviction only if the heartbeat was sent at least `staleReadMs` after
 *   the registration. Otherwise the view may be a late read.
 * - Peers may see its signs of life `staleReadMs` late. So it registers a longer dead-after than its own, and is fenced
 *   before any of them may declare it dead.
 */
import { loggedError, type Log } from '../log.js';
import type { Runtime } from '../runtime/runtime.js';
import { withTimeout } from '../runtime/with-timeout.js';
import type { Store } from '../store/contract.js';
import type { HeartbeatLimits, HeartbeatPace } from './heartbeat-pace.js';
import { HedgedCall, type HedgeOptions } from './hedged-call.js';
import type { OwnIncarnation } from './own-incarnation.js';

export interface RegistrationDependencies {
  readonly runtime: Runtime;
  readonly store: Pick<Store, 'register' | 'leave' | 'staleReadMs'>;
  readonly pace: Pick<HeartbeatPace, 'wanted' | 'registered'>;
  readonly identity: OwnIncarnation;
  readonly log: Log;
  /** What the pod publishes about itself. */
  readonly meta: () => Readonly<Record<string, unknown>>;
  readonly hedge: HedgeOptions;
}

/** How long the pod waits for the store to record that it leaves. */
const LEAVE_TIMEOUT_MS = 3_000;

/** What is written of the limits: others may see a sign of life late, so they are to wait longer than the pod itself. */
export function statedLimits(
  { heartbeatMs, deadAfterMs }: HeartbeatLimits,
  { staleReadMs }: Pick<Store, 'staleReadMs'>,
): HeartbeatLimits {
  return { heartbeatMs, deadAfterMs: deadAfterMs + staleReadMs };
}

export class Registration {
  readonly #deps: RegistrationDependencies;
  readonly #calls: HedgedCall<void>;
  /** When it was answered; `undefined` if the pod has to register. */
  #registeredAt: number | undefined;
  /** It has been sent, whatever the call returned. */
  #mayBeMember = false;

  constructor(deps: RegistrationDependencies) {
    this.#deps = deps;
    this.#calls = new HedgedCall(deps.hedge);
  }

  get registered(): boolean {
    return this.#registeredAt !== undefined;
  }

  async register(): Promise<void> {
    const { runtime, store, identity, pace, meta } = this.#deps;
    const limits = statedLimits(pace.wanted, store);
    await this.#calls.call(async () => {
      this.#mayBeMember = true;
      await store.register({ ...identity.pod, ...limits, meta: meta() });
    });
    pace.registered();
    this.#registeredAt = runtime.monotonicMs();
  }

  /** Whether the pod was evicted, given that a heartbeat sent at `sentAt` does not show it. */
  isRefutedBy(sentAt: number): boolean {
    return this.#registeredAt === undefined || sentAt - this.#registeredAt >= this.#deps.store.staleReadMs;
  }

  /** The incarnation is not a member any more. The next one has to register. */
  evicted(): void {
    this.#registeredAt = undefined;
    this.#mayBeMember = false;
    this.#calls.discard();
  }

  /** Never rejects. @returns whether the store has recorded that the pod left */
  async leave(): Promise<boolean> {
    const { runtime, store, identity, log } = this.#deps;
    const { pod } = identity;
    if (!this.#mayBeMember) return false;
    this.#registeredAt = undefined;
    this.#mayBeMember = false;
    try {
      await withTimeout(runtime, () => store.leave(pod), { timeoutMs: LEAVE_TIMEOUT_MS });
      return true;
    } catch (error) {
      log.warn(
        { ...pod, error: loggedError(error) },
        'pod could not leave the fleet; its peers will evict it as silent',
      );
      return false;
    }
  }
}

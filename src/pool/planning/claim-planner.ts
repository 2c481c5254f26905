/**
 * When to ask the store for claims, and for how many.
 *
 * Invariants:
 * - A pod that found nothing looks again after `claimIntervalMs`, then ever more rarely up to `idleIntervalMs`. A wake, or the
 *   next step that falls due, cuts that short; a wake that comes during an exchange is not lost.
 * - Once claims had to be given back, nothing is held ahead for two exchanges.
 */
import type { Settings } from '../../options.js';
import { doubledMs } from '../../runtime/backoff.js';
import { isSuspect } from '../../step/crash-suspect.js';
import type { ExchangeResult, ExchangeChannel, ClaimPlan } from '../exchange/exchange-channel.js';
import type { Handlers } from '../handlers/handlers.js';
import type { HeldClaims } from '../claims/held-claims.js';
import type { Isolation } from '../isolation/isolation.js';
import { claimCounts } from './prefetch.js';
import { TypeLimits } from './type-limits.js';

/** For so many exchanges nothing is held ahead after something was given back. */
const EXCHANGES_WITHOUT = 2;
/** What may start within so many exchange intervals is kept, and in any case what waits no longer than this. */
const INTERVALS_KEPT = 2;
const KEPT_MS = 1_000;

export class ClaimPlanner {
  readonly #settings: Settings;
  readonly #limits: TypeLimits;
  readonly #heldClaims: HeldClaims;
  readonly #channel: ExchangeChannel;
  readonly #isolation: Isolation;
  #pauseMs: number;
  #lookAt = 0;
  #wakes = 0;
  /** `#wakes` when the last request was made. */
  #wakesSeen = 0;
  #without = 0;

  constructor(
    settings: Settings,
    handlers: Handlers,
    heldClaims: HeldClaims,
    channel: ExchangeChannel,
    isolation: Isolation,
  ) {
    this.#settings = settings;
    this.#limits = new TypeLimits(handlers);
    this.#heldClaims = heldClaims;
    this.#channel = channel;
    this.#isolation = isolation;
    this.#pauseMs = settings.claimIntervalMs;
  }

  /** There may be work: look at once. */
  wake(): void {
    this.#wakes++;
    this.#lookAt = 0;
    this.#pauseMs = this.#settings.claimIntervalMs;
  }

  /** When to look even if nothing else happens. */
  get lookAt(): number {
    return this.#isolation.emptying ? 0 : this.#lookAt;
  }

  /** For how long a claim may wait here unstarted, in ms. */
  get maxWaitMs(): number {
    return Math.max(KEPT_MS, INTERVALS_KEPT * this.#channel.intervalMs);
  }

  /** What is wanted now. */
  plan(now: number): ClaimPlan | undefined {
    const { ready, executor, empty } = this.#heldClaims;
    if (this.#isolation.blocked(now)) return undefined;
    if (this.#isolation.emptying && !(empty && this.#isolation.mayClaimAlone)) return undefined;
    const { slots, maxPrefetch } = this.#settings;
    const { intervalMs, roundTripMs, batch } = this.#channel;
    const { free, prefetch } = claimCounts({
      slots,
      busy: executor.busy,
      unstarted: ready.size,
      startable: ready.startable,
      rate: this.#without > 0 ? 0 : executor.perMs(now, this.maxWaitMs),
      intervalMs,
      roundTripMs,
      maxPrefetch,
      batch,
    });
    if (free + prefetch === 0) return undefined;
    const types = this.#limits.at(prefetch === 0 ? 0 : intervalMs + roundTripMs);
    if (types === undefined) return undefined;
    const quarantine = executor.strays === 0 && this.#isolation.mayLook(now) ? 1 : 0;
    return { free, prefetch, quarantine, types, alone: empty && quarantine === 1 && this.#isolation.mayClaimAlone };
  }

  /** The request is on its way. */
  sent(): void {
    this.#wakesSeen = this.#wakes;
  }

  /** What the store answered. */
  answered(now: number, { asked, claims, nextDueInMs }: ExchangeResult): void {
    if (this.#without > 0) this.#without--;
    if (asked > 0 && this.#leavesIsolation(now, claims)) return;
    if (asked === 0 || this.#wakes !== this.#wakesSeen) return;
    const { claimIntervalMs, idleIntervalMs } = this.#settings;
    const found = claims.length > 0;
    if (found && (nextDueInMs === 0 || claims.length >= asked)) {
      this.#pauseMs = claimIntervalMs;
      this.#lookAt = now;
      return;
    }
    if (found || nextDueInMs === 0) this.#pauseMs = claimIntervalMs;
    this.#lookAt = now + this.#pauseMs;
    this.#pauseMs = doubledMs(this.#pauseMs, idleIntervalMs);
    if (nextDueInMs !== null && nextDueInMs > 0) this.#lookAt = Math.min(this.#lookAt, now + nextDueInMs);
  }

  /** Claims were given back because they could not start. */
  gaveBack(): void {
    this.#without = EXCHANGES_WITHOUT;
    this.#heldClaims.executor.rate.forget();
  }

  /** Whether suspects are to be looked for at once: this pod has nothing else to do. */
  #leavesIsolation(now: number, claims: ExchangeResult['claims']): boolean {
    if (this.#isolation.emptying) {
      if (!claims.some(isSuspect)) this.#isolation.over(now);
      return false;
    }
    if (claims.length > 0 || !this.#heldClaims.empty || !this.#isolation.cutShort(now)) return false;
    this.#lookAt = now;
    return true;
  }
}

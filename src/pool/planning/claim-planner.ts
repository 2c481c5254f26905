/**
 * Decides when to ask the store for claims, and for how many.
 *
 * Invariants:
 * - A pod that found nothing asks again after `claimIntervalMs`, then less and less often, up to `idleIntervalMs`. A wake, or
 *   the next step that is due, shortens that. A wake that comes during an exchange is not lost.
 * - After claims had to be given back, nothing is prefetched for two exchanges.
 * - A pod that holds nothing and may not claim, or has no handlers, only looks, as often as an idle pod. It does that only if quiet
 *   looks let it sleep.
 */
import { doubledMs } from '../../runtime/backoff.js';
import { isSuspect } from '../../step/crash-suspect.js';
import type { ClaimRequest, FreshClaim } from '../../store/contract.js';
import type { HeldClaims } from '../claims/held-claims.js';
import type { CompletionRate } from '../execution/completion-rate.js';
import type { Handlers } from '../handlers/handlers.js';
import type { SuspectIsolation } from '../suspects/suspect-isolation.js';
import { claimCounts } from './prefetch.js';
import { ClaimsPerType } from './claims-per-type.js';

/** Claims to ask for. The exchange chooses the token. */
export interface ClaimPlan extends Omit<ClaimRequest, 'token'> {
  /** The pod and its process hold nothing: a suspect that comes runs alone. */
  readonly alone: boolean;
}

/** What the planner needs to know about the exchanges with the store. */
export interface ExchangePace {
  /** From one exchange to the next while there is work, in ms. */
  readonly intervalMs: number;
  readonly roundTripMs: number;
  /** The shortest time between two exchanges of an idle pod, in ms. */
  readonly idleMs: number;
  /** The most steps that the store accepts, and returns, at a time. */
  readonly batch: number;
}

/** What an exchange brought. */
export interface ClaimsBrought {
  /** Whether the store was asked what there is to do. Otherwise the exchange only settled or read back. */
  readonly looked: boolean;
  /** How many claims were asked for. */
  readonly asked: number;
  readonly claims: readonly FreshClaim[];
  readonly nextDueInMs: number | null;
}

export interface ClaimPlannerDependencies {
  readonly settings: {
    readonly slots: number;
    readonly maxPrefetch: number;
    readonly claimIntervalMs: number;
    readonly idleIntervalMs: number;
  };
  readonly handlers: Handlers;
  readonly claims: HeldClaims;
  readonly rate: CompletionRate;
  readonly pace: ExchangePace;
  readonly isolation: SuspectIsolation;
  /** Whether quiet looks let the pod sleep. */
  readonly sleeps: boolean;
}

/** Names no types, so for this pod nothing is due. */
const LOOK: ClaimPlan = { free: 0, prefetch: 0, quarantine: 0, types: new Map(), alone: false };

/** After claims were given back, this many exchanges prefetch nothing. */
const EXCHANGES_WITHOUT_PREFETCH = 2;
/** A claim may wait unstarted for this many exchange intervals, and in any case for this time, in ms. */
const INTERVALS_KEPT = 2;
const KEPT_MS = 1_000;

export class ClaimPlanner {
  readonly #deps: ClaimPlannerDependencies;
  readonly #limits: ClaimsPerType;
  #pauseMs: number;
  #checkAt = 0;
  #wakes = 0;
  /** `#wakes` when the last request was made. */
  #wakesSeen = 0;
  #withoutPrefetch = 0;

  constructor(deps: ClaimPlannerDependencies) {
    this.#deps = deps;
    this.#limits = new ClaimsPerType(deps.handlers);
    this.#pauseMs = deps.settings.claimIntervalMs;
  }

  /** There may be work: asks at once. */
  wake(): void {
    this.#wakes++;
    this.#checkAt = 0;
    this.#pauseMs = this.#deps.settings.claimIntervalMs;
  }

  /** When to ask even if nothing else happens. */
  get checkAt(): number {
    return this.#deps.isolation.emptying ? 0 : this.#checkAt;
  }

  /** How long a claim may wait here unstarted, in ms. */
  get maxWaitMs(): number {
    return Math.max(KEPT_MS, INTERVALS_KEPT * this.#deps.pace.intervalMs);
  }

  /** The claim request to send now; `undefined` if there is nothing to ask for. */
  plan(now: number): ClaimPlan | undefined {
    const { settings, handlers, claims, rate, pace, isolation } = this.#deps;
    const { ready, running, empty } = claims;
    if (isolation.blocked(now)) return undefined;
    if (isolation.emptying && !(empty && isolation.mayClaimAlone)) return undefined;
    const { intervalMs, roundTripMs, batch } = pace;
    const { free, prefetch } = claimCounts({
      slots: settings.slots,
      busy: running.busy,
      unstarted: ready.size,
      startable: ready.startable,
      rate: this.#withoutPrefetch > 0 ? 0 : rate.perMs(now, this.maxWaitMs),
      intervalMs,
      roundTripMs,
      maxPrefetch: settings.maxPrefetch,
      batch,
    });
    if (free + prefetch === 0) return undefined;
    const types = this.#limits.at(prefetch === 0 ? 0 : intervalMs + roundTripMs);
    if (types === undefined) return handlers.all.size === 0 ? this.look() : undefined;
    const quarantine = running.strays === 0 && isolation.mayTakeSuspect(now) ? 1 : 0;
    return { free, prefetch, quarantine, types, alone: empty && quarantine === 1 && isolation.mayClaimAlone };
  }

  /** The request of a pod that claims nothing; `undefined` if it is busy, or never sleeps. */
  look(): ClaimPlan | undefined {
    const { sleeps, claims, isolation } = this.#deps;
    return sleeps && claims.empty && !isolation.emptying ? LOOK : undefined;
  }

  /** The request is in flight. */
  sent(): void {
    this.#wakesSeen = this.#wakes;
  }

  /** Sets when to ask again. */
  received(now: number, { looked, asked, claims, nextDueInMs }: ClaimsBrought): void {
    if (this.#withoutPrefetch > 0) this.#withoutPrefetch--;
    if (asked > 0 && this.#asksForSuspects(now, claims)) return;
    if (!looked || this.#wakes !== this.#wakesSeen) return;
    const { claimIntervalMs, idleIntervalMs } = this.#deps.settings;
    const found = claims.length > 0;
    if (found && (nextDueInMs === 0 || claims.length >= asked)) {
      this.#pauseMs = claimIntervalMs;
      this.#checkAt = now;
      return;
    }
    if (found || nextDueInMs === 0) this.#pauseMs = claimIntervalMs;
    this.#checkAt = now + Math.max(this.#pauseMs, this.#deps.pace.idleMs);
    this.#pauseMs = doubledMs(this.#pauseMs, idleIntervalMs);
    if (nextDueInMs !== null && nextDueInMs > 0) this.#checkAt = Math.min(this.#checkAt, now + nextDueInMs);
  }

  /** Claims were given back because they could not start in time. */
  gaveBack(): void {
    this.#withoutPrefetch = EXCHANGES_WITHOUT_PREFETCH;
    this.#deps.rate.forget();
  }

  /** Whether to ask for suspects at once, because this pod has nothing else to do. */
  #asksForSuspects(now: number, claims: readonly FreshClaim[]): boolean {
    const { isolation } = this.#deps;
    if (isolation.emptying) {
      if (!claims.some(isSuspect)) isolation.end(now);
      return false;
    }
    if (claims.length > 0 || !this.#deps.claims.empty || !isolation.endRest(now)) return false;
    this.#checkAt = now;
    return true;
  }
}

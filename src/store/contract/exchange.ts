/** The exchange: what a pod hands in and asks for in one call, and what the store replies. */
import type { Transition } from '../../step/decide-transition.js';
import type { Fence, FreshClaim, PodRef } from './claim.js';

/** The next state of a claimed step, to be applied only under the fence of the claim. */
export interface Settlement extends Fence, Transition {}

/**
 * The reply to one settlement:
 *
 * - `settled`: the row has the settlement, and this incarnation made it. An earlier try of the same settlement counts.
 * - `cancelled`: the step was cancelled while it was claimed. Nothing was changed.
 * - `lost`: the claim was no longer held. Nothing was changed.
 *
 * The reply is decided by the write. A store must not derive it from a read that may be older than the settlement, nor from one that
 * shows only what others have settled since.
 */
export type Receipt = 'settled' | 'cancelled' | 'lost';

/** Which steps a pod can take, and how many. If both numbers are 0, the exchange claims nothing: it only looks. */
export interface ClaimRequest {
  /** Names the claims of this exchange. Every exchange has a token of its own, so a claim is read back by it. */
  readonly token: string;
  /** How many steps can start at once. */
  readonly free: number;
  /** How many steps to claim ahead, beside `free`. None of them may have crashed a pod. */
  readonly prefetch: number;
  /** Whether the `free` ones may include a step that has crashed two pods or more. It runs alone on its pod. */
  readonly quarantine: 0 | 1;
  /**
   * The most steps to claim of each type; `Infinity` if the type has no limit of its own. Other types are not claimed.
   * A `Map`, because a type may have any name. The caller never changes it after sending, so a store may cache what it
   * derives from it.
   */
  readonly types: ReadonlyMap<string, number>;
}

export interface ExchangeRequest {
  readonly pod: PodRef;
  readonly settlements: readonly Settlement[];
  /** Absent: claim nothing. */
  readonly claim?: ClaimRequest;
  /** The token of an earlier exchange that was not answered. What is still claimed under it is among the `claims`. */
  readonly readBack?: string;
}

export interface ExchangeReply {
  /** One for each settlement, in their order. */
  readonly receipts: readonly Receipt[];
  /** In the order in which they should start. */
  readonly claims: readonly FreshClaim[];
  /** When the next pending step of the requested types is due, in ms. 0: some are due now. `null`: the store knows of none. */
  readonly nextDueInMs: number | null;
  /**
   * Present if nothing was left to do: no pod held a claim, and nothing was due for this one. Only a store with {@link
   * Store.sleep} says so. `census` is {@link Store.census} as this read has seen it.
   */
  readonly quiet?: { readonly census: string };
  readonly pace: Pace;
}

/** How the pod should pace its exchanges. */
export interface Pace {
  /** The shortest time before the next exchange, in ms. */
  readonly waitMs: number;
  /** The most settlements, and the most claims, in one exchange. */
  readonly batch: number;
  /** The shortest time between two exchanges of an idle pod, in ms. Default: no limit beside the pod's own. */
  readonly idleMs?: number;
  /** The interval between two exchanges that the store asks for, in ms. `waitMs` is what is left of it. Default 0. */
  readonly intervalMs?: number;
  /** Why exchanges are further apart than the pod would make them; absent if they are not. */
  readonly throttled?: ThrottleReason;
}

/**
 * Why a store slows its pods down: `slots`, it works on as many statements as it should; `refused`, it has refused some because
 * too many waited.
 */
export type ThrottleReason = 'slots' | 'refused';

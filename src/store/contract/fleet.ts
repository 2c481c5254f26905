/** The verbs of a store for pods: membership, heartbeats, eviction. Those for steps are in `steps.ts`. */
import type { Fence, Orphan, PodRef } from './claim.js';

/** What a pod states when it registers. */
export interface PodRegistration extends PodRef {
  readonly heartbeatMs: number;
  /** Other pods may evict it once it has been silent for longer than this, by the store's clock. */
  readonly deadAfterMs: number;
  readonly meta: Readonly<Record<string, unknown>>;
}

/** What a pod states with each heartbeat. */
export interface Heartbeat {
  /** Whether it may lead. */
  readonly eligible: boolean;
  /**
   * Whether it holds no claims and will send no heartbeats for a while. A pod that sleeps is not evicted and does not lead.
   * A claim that it holds all the same is an orphan.
   */
  readonly asleep: boolean;
  readonly meta: Readonly<Record<string, unknown>>;
}

/** An incarnation that has neither left nor been evicted, as the store sees it. Durations are by the store's clock. */
export interface PodView {
  readonly pod: PodRef;
  /** Since it registered. */
  readonly ageMs: number;
  /** Since its last sign of life: its registration or a heartbeat. */
  readonly silentForMs: number;
  /** Opaque; a new value with each sign of life. */
  readonly beat: string;
  readonly heartbeatMs: number;
  readonly deadAfterMs: number;
  readonly eligible: boolean;
  readonly asleep: boolean;
  /**
   * Whether the store can prove that the process of this incarnation has exited. `false`: it runs, or nothing is proved. A
   * store whose pods are on many hosts proves nothing.
   */
  readonly exited: boolean;
  readonly meta: Readonly<Record<string, unknown>>;
}

/** Whether a pod has been silent for longer than the limit that it registered. A pod that sleeps has announced its silence. */
export function isSilent(view: PodView): boolean {
  return !view.asleep && view.silentForMs > view.deadAfterMs;
}

/** Whether a pod is awake, not silent, and not known to have exited. */
export function isLive(view: PodView): boolean {
  return !view.asleep && !view.exited && !isSilent(view);
}

/** The reply to a heartbeat. */
export interface FleetView {
  /**
   * Every incarnation that has neither left nor been evicted, the caller included. If the caller is missing, it was evicted
   * or never registered.
   */
  readonly pods: readonly PodView[];
  /**
   * The claims that the caller holds. A claim that the store has found void since it was given out is left out: its holder
   * stops the step and releases it. If the caller does not know a claim of this list, it releases it.
   */
  readonly claims: readonly Fence[];
  /** Whether a newer version of the library has migrated the store past what this one may write. The pod then drains. */
  readonly outdated: boolean;
  /**
   * How far the caller's wall clock is ahead of real time as the store knows it, in ms; negative: behind. A difference that
   * the round trip could explain counts as 0.
   */
  readonly wallAheadMs: number;
}

/** The fleet's part of a store. */
export interface FleetStore {
  /**
   * Adds an incarnation to the fleet.
   *
   * Guarantees: a repeat adds no second one, and the birth stays that of the first registration. An incarnation that has
   * left or was evicted does not come back.
   *
   * @throws StoreError `STORE_SCHEMA_NEWER`
   */
  register(pod: PodRegistration): Promise<void>;
  /**
   * Records a sign of life, and returns the fleet and the caller's claims. It wakes a pod that sleeps, under its old birth.
   *
   * Guarantees: of an incarnation that is unknown, has left or was evicted nothing is changed, even if the call is applied
   * late. The view may be late by {@link Store.staleReadMs}, except for the caller's own sign of life.
   */
  heartbeat(pod: PodRef, beat: Heartbeat): Promise<FleetView>;
  /** Returns the fleet without a sign of life. A process that has not started a pod uses it. The view may be late. */
  fleet(): Promise<readonly PodView[]>;
  /**
   * Takes an incarnation out of the fleet, permanently. The claims that it still holds become orphans, which are not charged.
   *
   * Guarantees: a repeat changes nothing. For an unknown incarnation it does nothing. Other incarnations of the pod stay.
   */
  leave(pod: PodRef): Promise<void>;
  /**
   * Finds claims whose incarnation has left, was evicted, sleeps or is unknown, the longest held first.
   *
   * Guarantees: a claim of an incarnation that is only silent is never among them. If reads may be late, the store leaves
   * out what an unknown or sleeping incarnation has claimed within the last minute, or twice {@link Store.staleReadMs} if
   * that is longer: the incarnation may have registered or woken just before.
   */
  orphans(query: { readonly limit: number }): Promise<readonly Orphan[]>;
  /**
   * Evicts incarnations, permanently, if they have been silent for longer than they registered, or if the store can prove
   * that their processes have exited. Their claims become orphans.
   *
   * Guarantees: the statement that writes checks the silence again, so a pod that has just sent a heartbeat stays. A pod
   * that sleeps, has left or is unknown is not evicted.
   *
   * @returns those of `pods` that are evicted by now, also by an earlier try
   */
  evict(pods: readonly PodRef[]): Promise<readonly PodRef[]>;
}

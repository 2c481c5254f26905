/** The methods of a store for pods: membership, heartbeats, eviction. Those for steps are in `steps.ts`. */
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
   * Whether it holds no claims and will send no heartbeats for a while. A pod that sleeps is not evicted and does not
   * lead. If it nevertheless holds a claim, that claim is an orphan.
   */
  readonly asleep: boolean;
  /** What holds from this heartbeat on instead of what was registered. */
  readonly heartbeatMs?: number;
  readonly deadAfterMs?: number;
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
   * Whether the store can prove that the process of this incarnation has exited. `false` means that the process runs,
   * or that the store cannot prove that it has exited. A store whose pods are on many hosts never can.
   */
  readonly exited: boolean;
  readonly meta: Readonly<Record<string, unknown>>;
}

/**
 * Whether a pod has been silent for longer than the `deadAfterMs` that it has stated last. A sleeping pod is never silent, because
 * it has announced that it will send no heartbeats.
 */
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
   * Every incarnation that has neither left nor been evicted, the caller included. If the caller is missing, it was
   * evicted or never registered.
   */
  readonly pods: readonly PodView[];
  /**
   * The claims that the caller holds. The list omits a claim that the store has found to be invalid. The holder then
   * stops the step and releases the claim. If the list has a claim that the caller does not know, the caller releases
   * it.
   */
  readonly claims: readonly Fence[];
  /**
   * Whether a newer version of the library has migrated the store to a format that this version may not write. The pod
   * then drains.
   */
  readonly outdated: boolean;
  /**
   * How far the caller's wall clock is ahead of real time as the store knows it, in ms; negative if it is behind. A
   * difference that the round trip can explain counts as 0.
   */
  readonly wallAheadMs: number;
  /**
   * How old the sign of life is that the store counts in place of this heartbeat, in ms: peers hold the caller to that one. Absent:
   * the heartbeat is the newest sign.
   */
  readonly signAgoMs?: number;
}

/** The fleet's part of a store. */
export interface FleetStore {
  /**
   * Adds an incarnation to the fleet.
   *
   * Guarantees: a repeated call adds no second incarnation, and the time of registration does not change. An
   * incarnation that has left or was evicted does not come back.
   *
   * @throws StoreError `STORE_SCHEMA_NEWER`
   */
  register(pod: PodRegistration): Promise<void>;
  /**
   * Records a sign of life, and returns the fleet and the caller's claims. It wakes a pod that sleeps,
   * which keeps its old registration time.
   *
   * Guarantees: if the incarnation is unknown, has left or was evicted, nothing is changed, even if the call reaches
   * the database late. The view may be late by {@link Store.staleReadMs}, except for the caller's own sign of life.
   */
  heartbeat(pod: PodRef, beat: Heartbeat): Promise<FleetView>;
  /**
   * Returns the fleet, and records no sign of life. A process that has not started a pod uses it. The view may be late.
   */
  fleet(): Promise<readonly PodView[]>;
  /**
   * Takes an incarnation out of the fleet, permanently. The claims that it still holds become orphans, which are not
   * charged.
   *
   * Guarantees: a repeat changes nothing. For an unknown incarnation it does nothing. Other incarnations of the pod
   * stay.
   */
  leave(pod: PodRef): Promise<void>;
  /**
   * Finds claims whose incarnation has left, was evicted, sleeps or is unknown, the longest held first.
   *
   * Guarantees: a claim of an incarnation that is only silent is never among them. If reads may be late, the store
   * omits the claims that an unknown or sleeping incarnation has made within the last minute, or within twice {@link
   * Store.staleReadMs} if that is longer. Such an incarnation may have registered or woken just before its claim.
   */
  orphans(query: { readonly limit: number }): Promise<readonly Orphan[]>;
  /**
   * Evicts incarnations, permanently, if they have been silent for longer than the `deadAfterMs` that they have stated last,
   * or if the store can prove that their processes have exited. Their claims become orphans.
   *
   * Guarantees: the statement that writes checks the silence again, so a pod that has just sent a heartbeat stays. A
   * pod that sleeps, has left or is unknown is not evicted.
   *
   * @returns those of `pods` that have been evicted, by this call or an earlier one
   */
  evict(pods: readonly PodRef[]): Promise<readonly PodRef[]>;
}

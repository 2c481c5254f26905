/** What a store must do for the fleet: membership, signs of life, eviction. The steps' half stands in `../contract.ts`. */
import type { Fence, Orphan, PodRef } from './claim.js';

/** What a pod says of itself when it registers. */
export interface PodRegistration extends PodRef {
  readonly heartbeatMs: number;
  /** Others may call it dead when it has been silent for longer than this, on the store's clock. */
  readonly deadAfterMs: number;
  readonly meta: Readonly<Record<string, unknown>>;
}

/** What a pod says with each heartbeat. */
export interface Heartbeat {
  /** Whether it may lead. */
  readonly eligible: boolean;
  /** Holds nothing and will be silent: never evicted, never leader; a claim found under it is an orphan. */
  readonly asleep: boolean;
  readonly meta: Readonly<Record<string, unknown>>;
}

/** An incarnation that is neither left nor evicted. */
export interface PodView {
  readonly pod: PodRef;
  /** Since its registration. */
  readonly ageMs: number;
  /** Since its last sign of life. */
  readonly silentForMs: number;
  /** Moves with each sign of life; otherwise opaque. */
  readonly beat: string;
  readonly heartbeatMs: number;
  readonly deadAfterMs: number;
  readonly eligible: boolean;
  readonly asleep: boolean;
  /**
   * The store can prove that the process of this incarnation has exited, so that it gives no sign of life any more.
   * `false`: it lives, or nothing can be proved. A store whose pods are on many hosts proves nothing.
   */
  readonly exited: boolean;
  readonly meta: Readonly<Record<string, unknown>>;
}

/** Whether a pod has been silent for longer than the limit that it registered. A pod that sleeps has said that it would be. */
export function isSilent(view: PodView): boolean {
  return !view.asleep && view.silentForMs > view.deadAfterMs;
}

/** Whether a pod is awake, not silent, and not known to have exited. */
export function isLive(view: PodView): boolean {
  return !view.asleep && !view.exited && !isSilent(view);
}

export interface FleetView {
  /** Every incarnation that is not final, the caller's included; where that is missing, it has been evicted or never registered. */
  readonly pods: readonly PodView[];
  /**
   * What the store says that the caller holds. A claim that the store has found void since it gave it out is not among
   * them: the holder stops, and gives it back. If the holder does not know the claim, the store gives it back.
   */
  readonly claims: readonly Fence[];
  /** A newer version of the library has migrated the store past what this one may write: drain. */
  readonly outdated: boolean;
  /**
   * By how much the caller's wall clock is ahead of the store's idea of real time, in ms; negative: behind it. What a
   * round trip leaves open counts as agreement.
   */
  readonly wallAheadMs: number;
}

/** The fleet's half of a store. */
export interface FleetStore {
  /** Adds an incarnation. Idempotent; its birth is its earliest registration. Revives nobody that is final. */
  register(pod: PodRegistration): Promise<void>;
  /** A sign of life, and a look at the fleet. Of an incarnation that is final or unknown it changes nothing. */
  heartbeat(pod: PodRef, beat: Heartbeat): Promise<FleetView>;
  /** What incarnations looks like now, without a sign of life: what a process that never started may ask. */
  fleet(): Promise<readonly PodView[]>;
  /** Final. Claims still held become orphans, uncharged. Idempotent. */
  leave(pod: PodRef): Promise<void>;
  /**
   * Claimed steps whose incarnation is left, evicted, asleep or unknown, the longest held first. A store whose reads may be
   * late leaves out what an unknown or a sleeping incarnation has claimed within the last minute (or twice
   * {@link Store.staleReadMs}, if that is more): it may have registered or woken up, unseen, just before.
   */
  orphans(query: { readonly limit: number }): Promise<readonly Orphan[]>;
  /**
   * Makes incarnations final that are silent for longer than they registered, which the statement checks again itself,
   * or whose process the store can prove to have exited; answers those that are evicted by now.
   */
  evict(pods: readonly PodRef[]): Promise<readonly PodRef[]>;
}

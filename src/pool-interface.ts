/** What the fleet needs of the pool of this process: types only, so that neither imports the other. */
import type { Fence, PodRef } from './store/contract.js';

/**
 * How busy the pool is. A claim is *held* while this pod has it and its receipt has not come: it is unstarted, it runs, or
 * it has ended.
 */
export interface PoolLoad {
  /** Handlers whose claims are held. */
  readonly running: number;
  /** Claims that wait for a slot. */
  readonly unstarted: number;
  /** Claims that have ended and whose receipts have not come. */
  readonly unsettled: number;
  /** Handlers that still run after their claims were aborted. They keep their slots. */
  readonly strays: number;
  readonly slots: number;
  readonly paused: boolean;
  readonly fenced: boolean;
}

/** What the pool held when a heartbeat was sent. The pool's own type has more fields; it gets back only its own snapshots. */
export interface HeartbeatSnapshot {
  /** On the monotonic clock. */
  readonly takenAt: number;
}

/** An exchange that found nothing to do, for any pod or for this one. */
export interface QuietLook {
  /** When it began and ended, on the monotonic clock. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** How many steps it has seen, as the store counts them: its `census`. */
  readonly census: string;
  /** When the next step of this pod is due; `null` if it has seen none. */
  readonly nextDueInMs: number | null;
}

export interface WorkerPool {
  /** Claims (again), as this incarnation. Claims of another incarnation are dropped. */
  admit(pod: PodRef): void;
  /**
   * Claims, starts and settles nothing until {@link WorkerPool.admit}. Running handlers continue, because their claims
   * may still be held.
   */
  halt(): void;
  /**
   * Stops claiming, aborts running handlers, starts and settles nothing until {@link WorkerPool.admit}.
   *
   * @param final no `admit` follows: claims that end are settled while `SelfFence.mayProceed` allows it
   */
  fence(final: boolean): void;
  /** Claims no more, permanently, and gives back unstarted claims. Running handlers continue, and their claims are settled. */
  retire(): void;
  /** Steps have become pending: there may be something to claim. */
  wake(): void;
  /** Claims nothing until {@link WorkerPool.admit}. @returns false, and does nothing, if anything is held or in flight */
  sleep(): boolean;
  /** Calls back after each exchange: with what it has seen if there was nothing to do, otherwise without. */
  onQuiet(listener: (look: QuietLook | undefined) => void): void;
  /** Calls back at each {@link WorkerPool.wake}. */
  onWork(listener: () => void): void;
  /** The claims that are held now. Taken right before a heartbeat is sent. */
  snapshot(): HeartbeatSnapshot;
  /** Compares the snapshot with the claims that the heartbeat's answer lists. */
  reconcile(snapshot: HeartbeatSnapshot, held: readonly Fence[]): void;
  readonly load: PoolLoad;
  /** For how long the exchange loop has been late, in ms. */
  readonly overdueMs: number;
}

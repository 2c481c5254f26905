/** What the fleet asks of whoever holds claims: the pool. */
import type { Fence, PodRef } from '../store/contract.js';

/** How busy a holder is. */
export interface HolderLoad {
  /** Handlers at work whose claims are held. */
  readonly running: number;
  /** Claims held, started or not. */
  readonly held: number;
  /** Handlers that go on after their claims were aborted. */
  readonly strays: number;
  readonly slots: number;
  readonly paused: boolean;
  readonly fenced: boolean;
}

/** @typeParam S the holder's own note of what it holds at an instant */
export interface Holder<S = unknown> {
  /** Claim (again), as this incarnation. What was held as another one is gone: drop it. */
  admit(pod: PodRef): void;
  /** Claim, start and settle nothing until {@link Holder.admit}. What runs goes on: it may be ours yet. */
  halt(): void;
  /**
   * Stop claiming, abort what runs, start and settle nothing until {@link Holder.admit}. `final`: there will be none;
   * what ends is settled while the guard (`SelfFence.mayProceed`) allows.
   */
  fence(final: boolean): void;
  /** Drain for good: claim no more, and give back what has not started. What runs goes on, and is settled by the guard. */
  retire(): void;
  /** Steps have become pending: there may be something to claim. */
  wake(): void;
  /** Taken right before a heartbeat is sent. */
  snapshot(): S;
  /** With the heartbeat's answer: what the store says is held, beside the snapshot from before it was asked. */
  reconcile(snapshot: S, held: readonly Fence[]): void;
  readonly load: HolderLoad;
  /** For how long its loop has been late, in ms. */
  readonly overdueMs: number;
}

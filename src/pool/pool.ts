/**
 * The pool: claims steps, runs their handlers in slots, and settles what became of them.
 *
 * Invariants:
 * - While fenced, nothing starts and nothing is settled.
 * - A claim is settled in the name of the incarnation that took it.
 * - `stop` charges nothing: what has not started, or is aborted, is given back uncharged.
 */
import type { Events } from '../events.js';
import type { Log } from '../log.js';
import type { Settings } from '../options.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Service } from '../runtime/service.js';
import type { StepRegistry } from '../step/registry.js';
import type { Fence, PodRef, Store } from '../store/contract.js';
import type { Settler } from '../settlement/settler.js';
import type { PoolLoad, WorkerPool } from '../worker-pool.js';
import { CancellationWatch } from './exchange/cancellation-watch.js';
import { ClaimReconciler } from './exchange/claim-reconciler.js';
import { ClaimPlanner } from './planning/claim-planner.js';
import { ExchangeLoop } from './exchange/exchange-loop.js';
import { ExchangeChannel } from './exchange/exchange-channel.js';
import { Handlers } from './handlers/handlers.js';
import { HeldClaims } from './claims/held-claims.js';
import { Isolation } from './isolation/isolation.js';
import { ProcessPools } from './isolation/process-pools.js';
import { Condition } from '../runtime/condition.js';
import type { HeldSnapshot } from './claims/claim-comparison.js';
import type { ChildSubmitter } from './execution/context.js';
import type { SlotUse } from './slot-deadlock.js';

export type { HeldSnapshot } from './claims/claim-comparison.js';

export interface PoolParts {
  readonly store: Pick<Store, 'exchange' | 'cancelled' | 'staleReadMs'>;
  readonly runtime: Runtime;
  readonly events: Events;
  readonly log: Log;
  readonly settler: Settler;
  readonly settings: Settings;
  readonly registry: StepRegistry;
  /** Submits what handlers submit. */
  readonly submitter: ChildSubmitter;
  /** Calls back soon after others changed something in the store; returns what ends it. */
  readonly watch?: (onChange: () => void) => () => void;
  /** The drain time is over, and handlers are still at work. */
  readonly onDrainOver?: () => void;
  /** The guard that is asked right before anything is started or settled. After a freeze it says no before `fence` does. */
  readonly mayProceed?: () => boolean;
}

/** What became of the claims that were held when `stop` was called. */
export interface PoolDrained {
  readonly finished: number;
  readonly released: number;
  /** Handlers that had not returned by then. */
  readonly strays: number;
  /** Outcomes whose receipt had not come when time was up: the store may have taken them, or they become orphans. */
  readonly unsettled: number;
}

/** How long `stop` goes on handing in outcomes to a store that fails, in ms, where the drain time leaves no more. */
const FLUSH_MS = 2_000;

export class Pool implements Service, WorkerPool {
  readonly #parts: PoolParts;
  readonly #handlers: Handlers;
  readonly #heldClaims: HeldClaims;
  readonly #channel: ExchangeChannel;
  readonly #planner: ClaimPlanner;
  readonly #isolation: Isolation;
  readonly #processPools: ProcessPools;
  readonly #cancellationWatch: CancellationWatch;
  readonly #reconciler: ClaimReconciler;
  readonly #condition: Condition;
  readonly #loop: ExchangeLoop;
  #paused = false;
  #fenced = false;
  /** Fenced for good: it settles, and claims no more. */
  #final = false;
  #draining = false;
  #stopped: Promise<void> | undefined;
  #unwatch: (() => void) | undefined;

  constructor(parts: PoolParts) {
    const { runtime, settings, registry, mayProceed = () => true } = parts;
    this.#parts = parts;
    this.#handlers = new Handlers(registry, settings.timeoutMs);
    this.#processPools = new ProcessPools(runtime, {
      quiet: () => this.#heldClaims.empty && this.#channel.idle(this.#heldClaims.pod),
      hasStrays: () => this.#heldClaims.executor.strays > 0,
      claimsAlone: () => !this.#fenced && this.#channel.claimsAlone,
    });
    const isolation = (this.#isolation = new Isolation(() => runtime.random(), this.#processPools));
    const handlers = this.#handlers;
    this.#heldClaims = new HeldClaims({ ...parts, mayProceed, handlers, isolation, onWork: () => this.#work() });
    this.#channel = new ExchangeChannel(parts);
    this.#planner = new ClaimPlanner(settings, handlers, this.#heldClaims, this.#channel, isolation);
    this.#cancellationWatch = new CancellationWatch({
      ...parts,
      held: () => this.#heldClaims.held().map(({ claim }) => claim.stepId),
      onCancelled: ({ stepId, agoMs }) => this.#heldClaims.cancel(stepId, agoMs),
    });
    const [heldClaims, channel, cancellationWatch] = [this.#heldClaims, this.#channel, this.#cancellationWatch];
    this.#reconciler = new ClaimReconciler({ ...parts, heldClaims, channel, cancellationWatch });
    this.#condition = new Condition(runtime);
    this.#loop = new ExchangeLoop({
      ...{ ...parts, mayProceed },
      ...{ heldClaims: this.#heldClaims, channel: this.#channel, planner: this.#planner, isolation },
      onExchanged: () => this.#condition.look(),
    });
  }

  get load(): PoolLoad {
    const { ready, executor, outbox } = this.#heldClaims;
    return {
      running: executor.busy - executor.strays,
      unstarted: ready.size,
      unsettled: outbox.awaiting,
      strays: executor.strays,
      slots: this.#parts.settings.slots,
      paused: this.#paused,
      fenced: this.#fenced,
    };
  }

  /** What the slots do, for {@link SlotDeadlock}. */
  get slots(): SlotUse {
    const { executor } = this.#heldClaims;
    const { free, returns } = executor;
    return { free, returned: returns, running: () => executor.held().map(({ claim }) => claim.claimToken) };
  }

  /** For how long the exchange loop has been late, in ms. */
  get overdueMs(): number {
    return this.#loop.overdueMs;
  }

  /** What `stop` came to. */
  get drained(): PoolDrained {
    const { finished, released } = this.#loop;
    const { executor, outbox } = this.#heldClaims;
    return { finished, released, strays: executor.strays, unsettled: outbox.size };
  }

  start(): Promise<void> {
    if (this.#stopped !== undefined) return Promise.resolve();
    this.#handlers.load();
    this.#processPools.enter();
    this.#unwatch ??= this.#parts.watch?.(() => {
      this.wake();
      this.#cancellationWatch.look();
    });
    return Promise.all([this.#loop.start(), this.#cancellationWatch.start()]).then(() => undefined);
  }

  /** Drains: lets what runs finish within the drain time, aborts the rest, gives back what has not started. */
  stop(): Promise<void> {
    return (this.#stopped ??= this.#drain());
  }

  /**
   * Claim as this incarnation: before `start`, and again when a heartbeat was answered after a fence. What an earlier
   * incarnation held is no longer ours; outcomes of it are still sent, in its name.
   */
  admit(pod: PodRef): void {
    if (this.#heldClaims.pod?.incarnation !== pod.incarnation) this.#heldClaims.ownBy(pod);
    this.#fenced = this.#final;
    this.#heldClaims.halted = this.#final;
    this.#loop.silent = false;
    this.wake();
    this.#heldClaims.startNext();
  }

  /** Claims, starts and settles nothing until `admit`. What runs goes on. */
  halt(): void {
    this.#fenced = true;
    this.#isolation.yieldProcess(this.#now());
    this.#heldClaims.halted = true;
    this.#loop.silent = !this.#final;
    this.#loop.wake();
  }

  /**
   * Claims nothing, aborts what runs, and starts and settles nothing until `admit`.
   *
   * @param final for good: what has not started is given back, and what ends is settled
   */
  fence(final: boolean): void {
    if (final) this.retire();
    else this.halt();
    this.#heldClaims.executor.abortAll('fenced');
  }

  /** Claims no more, for good, and gives back what has not started. What runs goes on, and is settled. */
  retire(): void {
    this.#final = true;
    this.halt();
    this.#close();
  }

  /** Claims nothing more, and gives back what has not started. */
  pause(): void {
    this.#paused = true;
    this.#close();
  }

  resume(): void {
    this.#paused = false;
    this.#heldClaims.closed = this.#draining || this.#final;
    this.wake();
  }

  /** There may be something to claim. */
  wake(): void {
    this.#planner.wake();
    this.#loop.wake();
  }

  /** The step was cancelled through this process: its handler is told at once. */
  abort(stepId: string): void {
    this.#heldClaims.cancel(stepId, 0);
  }

  /** To be taken right before a heartbeat is sent. */
  snapshot(): HeldSnapshot {
    return this.#reconciler.snapshot();
  }

  /** Judges what the pod holds by the heartbeat's answer. */
  reconcile(snapshot: HeldSnapshot, held: readonly Fence[]): void {
    this.#reconciler.reconcile(snapshot, held);
  }

  #close(): void {
    this.#heldClaims.closed = true;
    this.#isolation.yieldProcess(this.#now());
    this.#heldClaims.giveBack(() => true, 'stopping');
  }

  async #drain(): Promise<void> {
    const { executor, outbox } = this.#heldClaims;
    const { drainTimeoutMs } = this.#parts.settings;
    const startedAt = this.#now();
    this.#draining = executor.stopping = true;
    this.#loop.finished = this.#loop.released = 0;
    this.#unwatch?.();
    this.#close();
    if (this.#loop.running) {
      const idle = (): boolean => executor.busy === executor.strays;
      await this.#condition.until(idle, drainTimeoutMs);
      executor.abortAll('stopping');
      if (!idle()) this.#parts.onDrainOver?.();
      await this.#condition.until(idle, Infinity); // their grace sees to it
      this.#channel.shortenPauses(this.#now());
      this.#loop.wake();
      const leftMs = Math.max(FLUSH_MS, startedAt + drainTimeoutMs - this.#now());
      const handedIn = (): boolean => outbox.empty && this.#channel.idle(this.#heldClaims.pod);
      await this.#condition.until(handedIn, leftMs + this.#channel.waitMs(this.#now()));
    }
    this.#channel.abandon(); // a store that does not answer hangs no stop
    await Promise.all([this.#loop.stop(), this.#cancellationWatch.stop()]);
    executor.stop();
    this.#processPools.leave(this.#now());
    if (!outbox.empty)
      this.#parts.log.error({ outcomes: outbox.size }, 'stopped with outcomes that the store did not take');
  }

  #work(): void {
    this.#processPools.look();
    this.#condition.look();
    this.#loop.wake();
  }

  #now(): number {
    return this.#parts.runtime.monotonicMs();
  }
}

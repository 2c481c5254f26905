/**
 * The pool: claims steps, runs their handlers in slots, and settles their outcomes.
 *
 * Invariants:
 * - What may be claimed, kept, started and settled is a property of the pool's state: see `pool-state.ts`.
 * - A claim is settled in the name of the incarnation that took it.
 * - `stop` charges nothing: claims that have not started, or whose handlers are aborted, are given back uncharged.
 */
import type { AnySteps, EventPayloads } from '../events.js';
import type { Service } from '../runtime/service.js';
import type { Fence, PodRef } from '../store/contract.js';
import type { HeartbeatSnapshot, PoolLoad, QuietLook, WorkerPool } from '../pool-interface.js';
import type { ClaimSnapshot } from './claims/claim-comparison.js';
import type { HeldClaims } from './claims/held-claims.js';
import { isEnded, type OutboxEntry } from './claims/outbox.js';
import { drain } from './drain.js';
import type { ExchangeLoop, SettledCounts } from './exchange/exchange-loop.js';
import type { Executor } from './execution/executor.js';
import { assemble, type PoolAssembly, type PoolDependencies } from './pool-assembly.js';
import type { PoolEvent, PoolStateMachine } from './pool-state.js';
import type { SlotUse } from './slot-deadlock.js';

export type { PoolDependencies } from './pool-assembly.js';

/** What became of the claims that were held when `stop` was called. */
export type PoolDrained = Omit<EventPayloads<AnySteps>['queue:stopped'], 'podId'>;

export class Pool implements Service, WorkerPool {
  readonly #deps: PoolDependencies;
  readonly #state: PoolStateMachine;
  readonly #claims: HeldClaims;
  readonly #executor: Executor;
  readonly #loop: ExchangeLoop;
  readonly #assembly: PoolAssembly;
  readonly #onWork: (() => void)[] = [];
  #stopping: Promise<void> | undefined;
  #countsAtStop: SettledCounts = { finished: 0, released: 0 };
  #unwatch: (() => void) | undefined;

  constructor(deps: PoolDependencies) {
    const assembly = assemble(deps, {
      onEnded: (entry) => this.#onEnded(entry),
      onReturned: (wasStray) => this.#onReturned(wasStray),
    });
    this.#deps = deps;
    this.#state = assembly.state;
    this.#claims = assembly.claims;
    this.#executor = assembly.executor;
    this.#loop = assembly.loop;
    this.#assembly = assembly;
  }

  get load(): PoolLoad {
    const { running, ready, outbox } = this.#claims;
    return {
      running: running.busy - running.strays,
      unstarted: ready.size,
      unsettled: outbox.awaiting,
      strays: running.strays,
      slots: this.#deps.settings.slots,
      paused: this.#state.current.paused,
      fenced: this.#state.isFenced,
    };
  }

  /** What the slots do, for `SlotDeadlock`. */
  get slots(): SlotUse {
    const { running } = this.#claims;
    return {
      free: this.#assembly.slots.free,
      returned: running.returns,
      running: () => running.withoutStrays(),
    };
  }

  /** How long the exchange loop has been late, in ms. */
  get overdueMs(): number {
    return this.#loop.overdueMs;
  }

  /** The result of `stop`. */
  get drained(): PoolDrained {
    const { finished, released } = this.#loop.counts;
    return {
      finished: finished - this.#countsAtStop.finished,
      released: released - this.#countsAtStop.released,
      strays: this.#claims.running.strays,
      unsettled: this.#claims.outbox.size,
    };
  }

  start(): Promise<void> {
    if (this.#state.current.lifecycle !== 'new') return Promise.resolve();
    this.#apply('start');
    this.#assembly.handlers.load();
    this.#assembly.processPools.enter();
    this.#unwatch = this.#deps.watch?.(() => {
      this.wake();
      this.#assembly.cancellations.check();
    });
    return Promise.all([this.#loop.start(), this.#assembly.cancellations.start()]).then(() => undefined);
  }

  /** Drains: lets handlers finish within the drain time, aborts the rest, gives back claims that have not started. */
  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop());
  }

  /**
   * Claims as this incarnation: called before `start`, and again when a heartbeat was answered after a fence. What an earlier
   * incarnation held is aborted or dropped; its outcomes are still sent, in its name.
   */
  admit(pod: PodRef): void {
    if (this.#claims.pod?.incarnation !== pod.incarnation) this.#takeOver(pod);
    this.#apply('admit');
    this.wake();
    this.#assembly.slots.fill();
  }

  /** Claims, starts and settles nothing until `admit`. Running handlers continue. */
  halt(): void {
    this.#apply('halt');
    this.#loop.wake();
  }

  /**
   * Claims and starts nothing, and aborts running handlers. Nothing is settled until `admit`.
   *
   * @param final no `admit` follows: unstarted claims are given back, and claims that end are settled
   */
  fence(final: boolean): void {
    if (final) this.retire();
    else this.halt();
    this.#executor.abortAll('fenced');
  }

  /** Claims no more, permanently, and gives back unstarted claims. Running handlers continue; their claims are settled. */
  retire(): void {
    this.#apply('retire');
    this.#loop.wake();
  }

  /** Claims nothing more, and gives back unstarted claims. */
  pause(): void {
    this.#apply('pause');
  }

  resume(): void {
    this.#apply('resume');
    this.wake();
  }

  /** There may be something to claim. */
  wake(): void {
    for (const listener of this.#onWork) listener();
    this.#assembly.planner.wake();
    this.#loop.wake();
  }

  /** Claims nothing until `admit`. @returns false, and does nothing, if anything is held or in flight */
  sleep(): boolean {
    const { channel } = this.#assembly;
    const { lifecycle, membership } = this.#state.current;
    if (lifecycle !== 'running' || membership !== 'admitted' || !this.#claims.empty) return false;
    if (!channel.idle(this.#claims.pod) || channel.openTokens.length > 0) return false;
    this.#apply('sleep');
    return true;
  }

  onQuiet(listener: (look: QuietLook | undefined) => void): void {
    this.#assembly.loop.onQuiet(listener);
  }

  onWork(listener: () => void): void {
    this.#onWork.push(listener);
  }

  /**
   * The step was cancelled through this process: its handler is aborted at once.
   *
   * @param version of the cancelled row. A claim of that version or a later one was made after a retry, and goes on
   */
  abort(stepId: string, version: number): void {
    this.#executor.cancel(stepId, 0, ({ claim }) => claim.version < version);
  }

  snapshot(): ClaimSnapshot {
    return this.#assembly.reconciler.snapshot();
  }

  /** @param snapshot a snapshot of this pool */
  reconcile(snapshot: HeartbeatSnapshot, inStore: readonly Fence[]): void {
    // The fleet gives back what `snapshot` made: nothing else makes one.
    this.#assembly.reconciler.reconcile(snapshot as ClaimSnapshot, inStore);
  }

  /** The one place where the state changes, and what follows from the new state. */
  #apply(event: PoolEvent): void {
    this.#state.apply(event);
    const { mayClaim, mayKeep } = this.#state.permissions;
    if (!mayClaim) this.#assembly.isolation.releaseProcess(this.#now());
    if (!mayKeep) this.#claims.giveBackUnstarted('stopping');
  }

  #takeOver(pod: PodRef): void {
    const dropped = this.#claims.takeOver(pod);
    this.#executor.abortAll('fenced');
    for (const held of dropped) this.#endIsolation(held);
  }

  async #stop(): Promise<void> {
    const { runtime, settings, log, onDrainOver = () => undefined } = this.#deps;
    const { claims, executor, channel, loop, cancellations, processPools, progress } = this.#assembly;
    this.#countsAtStop = loop.counts;
    this.#unwatch?.();
    this.#apply('drain');
    if (loop.running) {
      const { drainTimeoutMs } = settings;
      const onTimeout = onDrainOver;
      await drain({ runtime, drainTimeoutMs, claims, executor, channel, loop, progress, onTimeout });
    }
    channel.abandon(); // a store that does not answer must not hang `stop`
    await Promise.all([loop.stop(), cancellations.stop()]);
    executor.stop();
    this.#apply('stop');
    processPools.leave(this.#now());
    for (const entry of claims.outbox.all()) endTrace(entry);
    if (!claims.outbox.empty) {
      const unsettled = claims.outbox.awaiting;
      log.error(
        { unsettled },
        'stopped before the store confirmed all outcomes; recovery takes over the claims that it did not settle',
      );
    }
  }

  #onEnded(entry: OutboxEntry): void {
    this.#endIsolation(entry);
    if (this.#state.current.lifecycle === 'stopped') endTrace(entry);
    this.#onProgress();
  }

  #onReturned(wasStray: boolean): void {
    if (wasStray) this.#onProgress(); // otherwise its outcome has done that
    this.#assembly.slots.fill();
  }

  /** When a suspect has its outcome, others may be claimed again: with the exchange that settles it at the earliest. */
  #endIsolation(claim: object): void {
    if (this.#assembly.isolation.has(claim)) this.#assembly.isolation.end(this.#now());
  }

  #onProgress(): void {
    this.#assembly.processPools.removeIfQuiet();
    this.#assembly.progress.notify();
    this.#loop.wake();
  }

  #now(): number {
    return this.#deps.runtime.monotonicMs();
  }
}

/** No receipt of the entry will come. */
function endTrace(entry: OutboxEntry): void {
  if (isEnded(entry)) entry.trace?.unconfirmed();
}

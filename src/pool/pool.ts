/**
 * The pool: claims steps, runs their handlers in slots, and settles what became of them.
 *
 * Law: one exchange is in flight; outcomes that arrive meanwhile form the next batch, and those of one turn of the event
 * loop travel together. While fenced nothing starts and nothing is settled. A claim is settled in the name of the
 * incarnation that took it. `stop` burns nothing: what has not started, or is aborted, is given back uncharged.
 */
import { asError } from '../errors.js';
import type { Events } from '../events.js';
import type { Log } from '../log.js';
import type { Settings } from '../options.js';
import { Loop } from '../runtime/loop.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Service } from '../runtime/service.js';
import type { StepRegistry } from '../step/registry.js';
import type { Fence, PodRef, StepStore } from '../store/contract.js';
import type { Settler } from '../store/settler.js';
import { Demand } from './demand.js';
import { Exchanger, type Answer, type Wanted } from './exchanger.js';
import { Handlers } from './handlers.js';
import type { Hold } from './hold.js';
import { Holdings } from './holdings.js';
import { Patience } from './patience.js';
import { Reconciliation, type HeldSnapshot } from './reconciliation.js';

export type { HeldSnapshot } from './reconciliation.js';

export interface PoolParts {
  readonly store: Pick<StepStore, 'exchange'>;
  readonly runtime: Runtime;
  readonly events: Events;
  readonly log: Log;
  readonly settler: Settler;
  readonly settings: Settings;
  readonly registry: StepRegistry;
  /** Calls back soon after others changed something in the store; returns what ends it. */
  readonly watch?: (onChange: () => void) => () => void;
}

/** What the pool has on its hands. */
export interface PoolLoad {
  /** Handlers whose claim is held. */
  readonly running: number;
  /** Claims held unstarted. */
  readonly held: number;
  /** Handlers that go on without a claim; they keep their slots. */
  readonly strays: number;
  readonly slots: number;
  readonly paused: boolean;
  readonly fenced: boolean;
}

/** What became of the claims that were held when `stop` was called. */
export interface Drained {
  readonly finished: number;
  readonly released: number;
  /** Handlers that had not returned by then. */
  readonly strays: number;
}

/** How long `stop` goes on handing in outcomes to a store that fails, in ms, where the drain time leaves no more. */
const FLUSH_MS = 2_000;
const AFTER_A_BUG_MS = 1_000;

export class Pool implements Service {
  readonly #parts: PoolParts;
  readonly #handlers: Handlers;
  readonly #holdings: Holdings;
  readonly #exchanger: Exchanger;
  readonly #demand: Demand;
  readonly #reconciliation = new Reconciliation();
  readonly #patience: Patience;
  readonly #loop: Loop;
  #pod: PodRef | undefined;
  #paused = false;
  #fenced = false;
  /** Fenced for good: it settles, and claims no more. */
  #final = false;
  #draining = false;
  #stopped: Promise<void> | undefined;
  #unwatch: (() => void) | undefined;
  /** A tick is coming that has not looked at the outbox yet. */
  #tickComes = false;
  #finished = 0;
  #released = 0;

  constructor(parts: PoolParts) {
    const { runtime, settings, registry } = parts;
    this.#parts = parts;
    this.#handlers = new Handlers(registry, settings.timeoutMs);
    this.#holdings = new Holdings({ ...parts, handlers: this.#handlers, onWork: () => this.#wakeLoop() });
    this.#exchanger = new Exchanger(parts);
    this.#demand = new Demand(settings, this.#handlers, this.#holdings, this.#exchanger);
    this.#patience = new Patience(runtime);
    this.#loop = new Loop(runtime, () => this.#tick(), { onError: (error) => this.#bug(error) });
  }

  get load(): PoolLoad {
    const { buffer, executor } = this.#holdings;
    return {
      running: executor.busy - executor.strays,
      held: buffer.size,
      strays: executor.strays,
      slots: this.#parts.settings.slots,
      paused: this.#paused,
      fenced: this.#fenced,
    };
  }

  /** For how long the exchange loop has been late, in ms. */
  get overdueMs(): number {
    return this.#loop.overdueMs;
  }

  /** What `stop` came to. */
  get drained(): Drained {
    return { finished: this.#finished, released: this.#released, strays: this.#holdings.executor.strays };
  }

  start(): Promise<void> {
    if (this.#stopped !== undefined) return Promise.resolve();
    this.#handlers.load();
    this.#unwatch ??= this.#parts.watch?.(() => this.wake());
    return this.#loop.start();
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
    if (this.#pod?.incarnation !== pod.incarnation) {
      this.#holdings.disown();
      this.#pod = pod;
    }
    this.#fenced = this.#final;
    this.#holdings.halted = this.#final;
    this.wake();
    this.#holdings.startNext();
  }

  /**
   * Claims nothing, aborts what runs, and starts and settles nothing until `admit`.
   *
   * @param final for good: what has not started is given back, and what ends is settled
   */
  fence(final: boolean): void {
    this.#fenced = true;
    this.#final ||= final;
    this.#holdings.halted = true;
    this.#holdings.executor.abortAll('fenced');
    if (final) this.#close();
    this.#wakeLoop();
  }

  /** Claims nothing more, and gives back what has not started. */
  pause(): void {
    this.#paused = true;
    this.#close();
  }

  resume(): void {
    this.#paused = false;
    this.#holdings.closed = this.#draining || this.#final;
    this.wake();
  }

  /** There may be something to claim. */
  wake(): void {
    this.#demand.wake();
    this.#wakeLoop();
  }

  /** The step was cancelled through this process: its handler is told at once. */
  abort(stepId: string): void {
    this.#holdings.cancel(stepId);
  }

  /** To be taken right before a heartbeat is sent. */
  snapshot(): HeldSnapshot {
    return { pod: this.#pod, holds: this.#holdings.held(), openTokens: this.#exchanger.openTokens };
  }

  /** Judges what the pod holds by the heartbeat's answer. */
  reconcile(snapshot: HeldSnapshot, held: readonly Fence[]): void {
    const pod = this.#pod;
    if (pod === undefined || snapshot.pod !== pod) return;
    const { executor, outbox } = this.#holdings;
    const { openTokens } = this.#exchanger;
    const known = { holds: [...this.#holdings.held(), ...outbox.all()], openTokens };
    const { lost, unknown } = this.#reconciliation.judge(snapshot, held, known);
    for (const hold of lost) executor.abort(hold, 'lost');
    if (lost.length > 0) this.#holdings.giveBack((hold) => lost.includes(hold), 'fenced');
    for (const fence of unknown) this.#holdings.giveBackUnknown(fence, pod, this.#now());
  }

  async #tick(): Promise<number> {
    this.#tickComes = true;
    await this.#parts.runtime.yield(); // what ends in this turn travels together
    this.#tickComes = false;
    const now = this.#now();
    this.#holdings.newSlice(now);
    if (this.#fenced && !this.#final) return Infinity;
    this.#giveBackOverdue(now);
    const waitMs = this.#exchanger.waitMs(now);
    if (waitMs > 0) return waitMs;
    const { outbox, executor } = this.#holdings;
    const batch = outbox.take(this.#exchanger.batch);
    const pod = batch[0]?.pod ?? this.#pod;
    if (pod === undefined) return Infinity;
    const looks = pod === this.#pod && (batch.length > 0 || this.#demand.lookAt <= now);
    const wanted = looks ? this.#wanted(now) : undefined;
    if (batch.length === 0 && wanted === undefined && !this.#exchanger.lost(pod)) return this.#restMs(now);
    this.#demand.sent();
    const answer = await this.#exchanger.exchange(pod, batch, wanted, batch.length > 0 || executor.busy > 0);
    if (answer === undefined) outbox.keep();
    else await this.#answered(pod, batch, answer);
    this.#patience.look();
    return this.#restMs(this.#now());
  }

  async #answered(pod: PodRef, batch: readonly Hold[], answer: Answer): Promise<void> {
    const now = this.#now();
    this.#holdings.outbox.sent();
    this.#demand.answered(now, answer);
    // What an evicted incarnation claimed is an orphan by now.
    if (pod === this.#pod) this.#holdings.takeIn(answer.claims, pod, now);
    this.#holdings.startNext();
    for (let i = 0; i < batch.length; i++) {
      this.#tell(batch[i], answer, i);
      if ((i & 15) === 15 && this.#holdings.sliceIsOver(this.#now())) {
        await this.#parts.runtime.yield(); // listeners take time too
        this.#holdings.newSlice(this.#now());
      }
    }
  }

  #tell(hold: Hold | undefined, { settlements, receipts }: Answer, i: number): void {
    const settlement = settlements[i];
    const receipt = receipts[i];
    if (hold === undefined || settlement === undefined || receipt === undefined || hold.untold) return;
    if (this.#draining) {
      if (hold.outcome.kind === 'released') this.#released++;
      else this.#finished++;
    }
    this.#parts.settler.announce(hold, settlement, receipt);
  }

  #wanted(now: number): Wanted | undefined {
    return this.#holdings.closed || this.#fenced ? undefined : this.#demand.wanted(now);
  }

  /** When the next tick should come by itself. */
  #restMs(now: number): number {
    return Math.max(this.#ownRestMs(now), this.#exchanger.waitMs(now));
  }

  #ownRestMs(now: number): number {
    const { buffer, outbox } = this.#holdings;
    if (outbox.size > 0 || this.#exchanger.lost(this.#pod)) return 0;
    const looksIn = this.#wanted(now) === undefined ? Infinity : Math.max(0, this.#demand.lookAt - now);
    return buffer.size === 0 ? looksIn : Math.min(looksIn, this.#demand.patienceMs / 2);
  }

  /** What cannot start soon is left to other pods. */
  #giveBackOverdue(now: number): void {
    if (this.#holdings.buffer.size === 0) return;
    const before = now - this.#demand.patienceMs;
    if (this.#holdings.giveBack((hold) => hold.claimedAt <= before, 'unstarted') > 0) this.#demand.gaveBack();
  }

  #close(): void {
    this.#holdings.closed = true;
    this.#holdings.giveBack(() => true, 'stopping');
  }

  async #drain(): Promise<void> {
    const { executor, outbox } = this.#holdings;
    const { drainTimeoutMs } = this.#parts.settings;
    const startedAt = this.#now();
    this.#draining = true;
    this.#unwatch?.();
    this.#close();
    if (this.#loop.running) {
      const idle = (): boolean => executor.busy === executor.strays;
      await this.#patience.until(idle, drainTimeoutMs);
      executor.abortAll('stopping');
      await this.#patience.until(idle, Infinity); // their grace sees to it
      this.#exchanger.haste(this.#now());
      this.#wakeLoop();
      const leftMs = Math.max(FLUSH_MS, startedAt + drainTimeoutMs - this.#now());
      const handedIn = (): boolean => outbox.empty && this.#exchanger.idle(this.#pod);
      await this.#patience.until(handedIn, leftMs + this.#exchanger.waitMs(this.#now()));
    }
    await this.#loop.stop();
    executor.stop();
    if (!outbox.empty)
      this.#parts.log.error({ outcomes: outbox.size }, 'stopped with outcomes that the store did not take');
  }

  #wakeLoop(): void {
    this.#patience.look();
    if (this.#tickComes) return;
    this.#tickComes = this.#loop.running;
    this.#loop.wake();
  }

  #bug(error: unknown): number {
    this.#parts.log.error({ error: asError(error).message }, 'the exchange loop failed');
    this.#holdings.outbox.keep();
    this.#holdings.startNext();
    return AFTER_A_BUG_MS;
  }

  #now(): number {
    return this.#parts.runtime.monotonicMs();
  }
}

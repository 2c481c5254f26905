/**
 * Fences this pod before its peers may declare it dead: it stops claiming, starting and settling.
 *
 * Invariants:
 * - *Silent*: no heartbeat has been answered for `deadAfterMs − margin`, on the monotonic clock, from when the answered one
 *   was sent. Running handlers are aborted then.
 * - *Frozen*: since the answered heartbeat, wall time has run ahead of monotonic time by more than the margin (the machine
 *   was suspended), or the event loop has stood still for longer than the margin (the process was stopped, or a handler
 *   blocked it). Running handlers continue until the next answer says whether their claims are still held: a handler that
 *   blocks must not cost the others their work.
 * - Either ends with the answer to a heartbeat that was *sent after it* began. A frozen pod that gets none becomes silent.
 * - A freeze up to the margin goes unnoticed, and is safe: a pod that is blocked for the margin from the last instant at
 *   which it may proceed is not dead to its peers yet. A wall clock set forward looks like a suspension and costs one
 *   heartbeat; one set back costs nothing.
 * - After a freeze any continuation may run before any timer. So code that is about to start or settle something calls
 *   {@link SelfFence.mayProceed}, which compares the clocks at that moment.
 */
import { EVENT_LINES, logEvent, type Events, type PodFenced } from '../events.js';
import type { Log } from '../log.js';
import { Loop } from '../runtime/loop.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Service } from '../runtime/service.js';
import type { WorkerPool } from '../pool-interface.js';
import type { HeartbeatPace } from './heartbeat-pace.js';
import type { OwnIncarnation } from './own-incarnation.js';

/** An instant on both clocks. */
export interface Instant {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

export interface SelfFenceDependencies {
  readonly runtime: Runtime;
  readonly pace: Pick<HeartbeatPace, 'marginMs' | 'fenceAfterMs'>;
  readonly identity: OwnIncarnation;
  readonly pool: Pick<WorkerPool, 'fence' | 'halt' | 'retire'>;
  readonly events: Events;
  readonly log: Log;
}

/** Between two looks at the event loop, at most: health tells by them whether the loops could have ticked. */
const LONGEST_PERIOD_MS = 1_000;

type Reason = PodFenced['reason'];

export class SelfFence implements Service {
  readonly #deps: SelfFenceDependencies;
  readonly #watch: Loop;
  readonly #periodMs: number;
  readonly #listeners: (() => void)[] = [];
  /** When the answered heartbeat was sent, or the older sign of life that stands for it. */
  #answered: Instant | undefined;
  /** When the event loop was last seen running. */
  #ranAt = 0;
  #fenced: { readonly reason: Reason; readonly since: number; readonly silent: boolean } | undefined;
  #final: Reason | undefined;

  constructor(deps: SelfFenceDependencies) {
    this.#deps = deps;
    this.#periodMs = Math.min(LONGEST_PERIOD_MS, deps.pace.marginMs / 4); // the margin is never shorter than at first
    this.#watch = new Loop(deps.runtime, () => this.#tick(), { ref: false, onError: () => this.#periodMs });
  }

  /** How long a freeze may last unnoticed. */
  get marginMs(): number {
    return this.#deps.pace.marginMs;
  }

  /** How long the pod may proceed without an answered heartbeat. */
  get fenceAfterMs(): number {
    return this.#deps.pace.fenceAfterMs;
  }

  /** Begins to watch. Before the first answered heartbeat nothing may proceed anyway. */
  start(): Promise<void> {
    this.#ranAt = this.#deps.runtime.monotonicMs();
    return this.#watch.start();
  }

  stop(): Promise<void> {
    return this.#watch.stop();
  }

  /** Calls back whenever the pod is fenced. */
  onFence(listener: () => void): void {
    this.#listeners.push(listener);
  }

  now(): Instant {
    const { runtime } = this.#deps;
    return { monotonicMs: runtime.monotonicMs(), wallMs: runtime.wallMs() };
  }

  /** Why the pod is fenced, if it is. */
  get reason(): Reason | undefined {
    return this.#final ?? this.#fenced?.reason;
  }

  /** Whether the pod drains permanently. */
  get final(): boolean {
    return this.#final !== undefined;
  }

  /** Since the answered heartbeat was sent; `Infinity` if none has been answered. */
  get silentForMs(): number {
    return this.#answered === undefined ? Infinity : this.#deps.runtime.monotonicMs() - this.#answered.monotonicMs;
  }

  /** For how long the event loop has stood still until just now, in ms: timers that were due meanwhile have had no turn yet. */
  get stoodStillMs(): number {
    const sinceTurnMs = this.#deps.runtime.monotonicMs() - this.#ranAt;
    return this.#watch.running ? Math.max(0, sinceTurnMs - this.#periodMs) : 0;
  }

  /**
   * Whether anything may be started or settled at this moment: to be called after every `await`, before acting. It costs
   * two readings of clocks. If it finds the pod silent or frozen, it returns `false` until a heartbeat is answered. The
   * pool is fenced a microtask later, so that the pool may call this in the middle of its own work.
   */
  mayProceed(): boolean {
    const reason = this.#due();
    if (reason !== undefined) {
      this.#mark(reason);
      void Promise.resolve().then(() => this.#act(reason, true));
    }
    return this.#fenced === undefined && this.#answered !== undefined;
  }

  /** Like {@link SelfFence.mayProceed}, for callers outside the pool: when it returns, the pool has been fenced. */
  check(): boolean {
    const reason = this.#due();
    if (reason !== undefined) {
      this.#mark(reason);
      this.#act(reason, true);
    }
    return this.#fenced === undefined && this.#answered !== undefined;
  }

  /** The pod sleeps: nothing may proceed until a heartbeat is answered again, and silence means nothing. */
  rest(): void {
    this.#answered = this.#fenced = undefined;
  }

  /** Peers have evicted this incarnation. */
  evicted(): void {
    this.#mark('evicted');
    this.#act('evicted', true);
  }

  /** The pod drains from now on, and never works again. */
  drain(reason: 'superseded' | 'outdated'): void {
    if (this.#final !== undefined) return;
    this.#final = reason;
    this.#act(reason, false);
  }

  /**
   * A heartbeat that was sent at `sent` has been answered. If it was sent before the pod was fenced, it proves nothing.
   *
   * @param signAgoMs how much older the sign of life is from which the peers count
   * @returns `admitted` if the pod may proceed, and might not before; `confirmed` if it still may; `stale` if another
   * one must be sent
   */
  answered(sent: Instant, signAgoMs = 0): 'admitted' | 'confirmed' | 'stale' {
    const fenced = this.#fenced;
    if (fenced !== undefined && sent.monotonicMs < fenced.since) return 'stale';
    const first = this.#answered === undefined;
    this.#answered = { monotonicMs: sent.monotonicMs - signAgoMs, wallMs: sent.wallMs - signAgoMs };
    this.#ranAt = this.#deps.runtime.monotonicMs();
    this.#fenced = undefined;
    if (fenced !== undefined)
      this.#deps.log.info(
        { reason: fenced.reason },
        'heartbeat answered: the pod is not fenced any more, and works again',
      );
    return first || fenced !== undefined ? 'admitted' : 'confirmed';
  }

  /** Why the pod is to be fenced now; or, if it was only frozen, to be fenced as silent too. */
  #due(): Reason | undefined {
    if (this.#fenced === undefined) return this.#detected();
    return !this.#fenced.silent && this.silentForMs >= this.fenceAfterMs ? 'silent' : undefined;
  }

  #detected(): 'silent' | 'frozen' | undefined {
    const answered = this.#answered;
    if (answered === undefined) return undefined;
    const now = this.now();
    const passedMs = now.monotonicMs - answered.monotonicMs;
    const aheadMs = now.wallMs - answered.wallMs - passedMs;
    const stoodStillMs = now.monotonicMs - this.#ranAt - this.#periodMs;
    if (aheadMs > this.marginMs || (this.#watch.running && stoodStillMs > this.marginMs)) return 'frozen';
    return passedMs >= this.fenceAfterMs ? 'silent' : undefined;
  }

  async #tick(): Promise<number> {
    this.check();
    this.#ranAt = this.#deps.runtime.monotonicMs();
    const leftMs = this.fenceAfterMs - this.silentForMs;
    return leftMs > 0 ? Math.min(this.#periodMs, leftMs) : this.#periodMs;
  }

  #mark(reason: Reason): void {
    const silent = reason !== 'frozen' || this.silentForMs >= this.fenceAfterMs;
    this.#fenced = { reason, since: this.#deps.runtime.monotonicMs(), silent };
  }

  #act(reason: Reason, recoverable: boolean): void {
    const { pool, events, log, identity } = this.#deps;
    const { pod } = identity;
    const final = this.#final !== undefined;
    if (!recoverable) pool.retire();
    else if (this.#fenced?.silent !== false) pool.fence(final);
    else if (!final) pool.halt(); // a pod that drains claims and starts nothing anyway
    for (const listener of this.#listeners) listener();
    if (recoverable && final) return; // that it drains has been reported
    logEvent(log, recoverable ? EVENT_LINES.podFenced : EVENT_LINES.podDrains, { ...pod, reason, recoverable });
    events.emit('pod:fenced', { ...pod, reason, recoverable });
  }
}

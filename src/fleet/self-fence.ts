/**
 * Self-fencing: a pod that its peers may declare dead stops before they do.
 *
 * Law: *silent*: no heartbeat has been answered for `deadAfterMs − margin`, measured on the monotonic clock from when the
 * answered one was sent. What runs is aborted then. *Frozen*: since then wall time has run ahead of monotonic time by more
 * than the margin (the machine was suspended), or the event loop has stood still for longer than the margin (the process
 * was stopped, or a handler blocked it). Nothing is claimed, started or settled then; but what runs goes on, until the
 * heartbeat's answer tells whether it is still ours: one that blocks must not cost its neighbours their work. Either is
 * ended by the answer to a heartbeat that was *sent after it*; a frozen pod that gets none falls silent in its turn.
 *
 * The margin is what a freeze may last without being noticed: a pod that is blocked for as long from the last instant at
 * which it may still proceed is not yet dead to its peers. A wall clock set forward looks like a suspension and costs one
 * needless heartbeat; one set back costs nothing.
 *
 * After a freeze any continuation may run before any timer. So whoever is about to start or settle something asks
 * {@link SelfFence.mayProceed}, which compares the clocks there and then.
 */
import type { Events, PodFenced } from '../events.js';
import type { Log } from '../log.js';
import { Loop } from '../runtime/loop.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Service } from '../runtime/service.js';
import type { WorkerPool } from '../worker-pool.js';
import type { PodIdentity } from './pod-identity.js';
import { limitMs, marginMs } from './heartbeat-limits.js';

/** An instant on both clocks. */
export interface Instant {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

export interface SelfFenceParts {
  readonly runtime: Runtime;
  readonly settings: { readonly heartbeatIntervalMs: number; readonly deadAfterMs: number };
  readonly identity: PodIdentity;
  readonly pool: Pick<WorkerPool, 'fence' | 'halt' | 'retire'>;
  readonly events: Events;
  readonly log: Log;
}

type Reason = PodFenced['reason'];

export class SelfFence implements Service {
  /** For how long a freeze may last without being noticed. */
  readonly marginMs: number;
  /** For how long a pod may proceed without an answered heartbeat. */
  readonly limitMs: number;
  readonly #parts: SelfFenceParts;
  readonly #watch: Loop;
  readonly #periodMs: number;
  readonly #listeners: (() => void)[] = [];
  /** When the answered heartbeat was sent. */
  #answered: Instant | undefined;
  /** When the event loop was last seen at work. */
  #ranAt = 0;
  #fenced: { readonly reason: Reason; readonly since: number; readonly silent: boolean } | undefined;
  #final: Reason | undefined;

  constructor(parts: SelfFenceParts) {
    const { heartbeatIntervalMs, deadAfterMs } = parts.settings;
    this.#parts = parts;
    this.marginMs = marginMs(heartbeatIntervalMs, deadAfterMs);
    this.limitMs = limitMs(heartbeatIntervalMs, deadAfterMs);
    this.#periodMs = this.marginMs / 4;
    this.#watch = new Loop(parts.runtime, () => this.#look(), { ref: false, onError: () => this.#periodMs });
  }

  /** Begins to watch; before the first answered heartbeat nothing may proceed anyway. */
  start(): Promise<void> {
    this.#ranAt = this.#parts.runtime.monotonicMs();
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
    const { runtime } = this.#parts;
    return { monotonicMs: runtime.monotonicMs(), wallMs: runtime.wallMs() };
  }

  /** Why the pod is fenced, if it is. */
  get reason(): Reason | undefined {
    return this.#final ?? this.#fenced?.reason;
  }

  /** Whether it drains for good. */
  get final(): boolean {
    return this.#final !== undefined;
  }

  /** Since the answered heartbeat was sent; `Infinity`: none has been answered. */
  get silentForMs(): number {
    return this.#answered === undefined ? Infinity : this.#parts.runtime.monotonicMs() - this.#answered.monotonicMs;
  }

  /**
   * Whether anything may be started or settled right now: the guard to ask after every `await`, before acting. It costs
   * two readings of clocks. Where it finds the pod silent or frozen, its answer is `false` from then on until a
   * heartbeat is answered; the holder is fenced a microtask later, so that it may ask from the midst of its own work.
   */
  mayProceed(): boolean {
    const reason = this.#due();
    if (reason !== undefined) {
      this.#mark(reason);
      void Promise.resolve().then(() => this.#act(reason, true));
    }
    return this.#fenced === undefined && this.#answered !== undefined;
  }

  /** The same for callers that are not the holder: by the time it answers, the holder has been fenced. */
  check(): boolean {
    const reason = this.#due();
    if (reason !== undefined) {
      this.#mark(reason);
      this.#act(reason, true);
    }
    return this.#fenced === undefined && this.#answered !== undefined;
  }

  /** Peers have declared this incarnation dead. */
  evicted(): void {
    this.#mark('evicted');
    this.#act('evicted', true);
  }

  /** From here on the pod drains, and never comes back. */
  drain(reason: 'superseded' | 'outdated'): void {
    if (this.#final !== undefined) return;
    this.#final = reason;
    this.#act(reason, false);
  }

  /**
   * A heartbeat that was sent then has been answered. Where it was sent before the pod was fenced it proves nothing.
   *
   * @returns `admitted`: the pod may proceed, and might not before; `confirmed`: it still may; `stale`: ask again
   */
  answered(sent: Instant): 'admitted' | 'confirmed' | 'stale' {
    const fenced = this.#fenced;
    if (fenced !== undefined && sent.monotonicMs < fenced.since) return 'stale';
    const first = this.#answered === undefined;
    this.#answered = sent;
    this.#ranAt = this.#parts.runtime.monotonicMs();
    this.#fenced = undefined;
    if (fenced !== undefined)
      this.#parts.log.info({ reason: fenced.reason }, 'a heartbeat was answered: at work again');
    return first || fenced !== undefined ? 'admitted' : 'confirmed';
  }

  /** Why the pod is to be fenced now; or, where it was only frozen, to be fenced as silent too. */
  #due(): Reason | undefined {
    if (this.#fenced === undefined) return this.#verdict();
    return !this.#fenced.silent && this.silentForMs >= this.limitMs ? 'silent' : undefined;
  }

  #verdict(): 'silent' | 'frozen' | undefined {
    const answered = this.#answered;
    if (answered === undefined) return undefined;
    const now = this.now();
    const passedMs = now.monotonicMs - answered.monotonicMs;
    const aheadMs = now.wallMs - answered.wallMs - passedMs;
    const stoodStillMs = now.monotonicMs - this.#ranAt - this.#periodMs;
    if (aheadMs > this.marginMs || (this.#watch.running && stoodStillMs > this.marginMs)) return 'frozen';
    return passedMs >= this.limitMs ? 'silent' : undefined;
  }

  async #look(): Promise<number> {
    this.check();
    this.#ranAt = this.#parts.runtime.monotonicMs();
    const leftMs = this.limitMs - this.silentForMs;
    return leftMs > 0 ? Math.min(this.#periodMs, leftMs) : this.#periodMs;
  }

  #mark(reason: Reason): void {
    const silent = reason !== 'frozen' || this.silentForMs >= this.limitMs;
    this.#fenced = { reason, since: this.#parts.runtime.monotonicMs(), silent };
  }

  #act(reason: Reason, recoverable: boolean): void {
    const { pool, events, log, identity } = this.#parts;
    const { pod } = identity;
    const final = this.#final !== undefined;
    if (!recoverable) pool.retire();
    else if (this.#fenced?.silent !== false) pool.fence(final);
    else if (!final) pool.halt(); // for good it claims and starts nothing anyway
    for (const listener of this.#listeners) listener();
    if (recoverable && final) return; // it has told that it drains
    log.warn({ ...pod, reason, recoverable }, 'the pod is fenced');
    events.emit('pod:fenced', { ...pod, reason, recoverable });
  }
}

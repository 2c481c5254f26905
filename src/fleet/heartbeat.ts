/**
 * The heartbeat: registers this pod, tells the fleet that it lives, and hands on what each answer says.
 *
 * Invariants:
 * - `start` resolves once the fleet is known. One heartbeat is asked for at a time. One that fails is tried again within the
 *   interval; one that hangs is sent again long before the limit of the fence, and its late answer still counts.
 * - An answer is read in this order. Not shown although it registered just now: a late read, ask again soon. A younger
 *   incarnation under our podId, or a newer version of the library in the store: drain for good, leave, never register
 *   again. Evicted: drop everything and register as a new incarnation, at once the first time and at the interval from then
 *   on. Sent before we were fenced: ask again. Otherwise: at work.
 */
import { asError, StoppedError, StoreError } from '../errors.js';
import type { Events } from '../events.js';
import type { Log } from '../log.js';
import type { Settings } from '../options.js';
import { halfJitterMs, jitteredIntervalMs } from '../runtime/backoff.js';
import { Loop } from '../runtime/loop.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Service } from '../runtime/service.js';
import type { FleetView, Store } from '../store/contract.js';
import type { Elector } from './elector.js';
import { HedgedCall } from './hedged-call.js';
import type { WorkerPool } from '../worker-pool.js';
import type { PodIdentity } from './pod-identity.js';
import type { PeerWatch } from './peer-watch.js';
import { Registration } from './registration.js';
import { limitMs, patienceMs } from './heartbeat-limits.js';
import { enter, leave, supersede } from './shared-pod-id.js';
import { MembershipEvents } from './membership-events.js';
import type { Instant, SelfFence } from './self-fence.js';
import type { LeaderFitness } from './leader-fitness.js';
import type { WallClockCheck } from './wall-clock-check.js';

export interface HeartbeatParts<S> {
  readonly runtime: Runtime;
  readonly store: Pick<Store, 'register' | 'heartbeat' | 'leave' | 'staleReadMs'>;
  readonly settings: Pick<Settings, 'heartbeatIntervalMs' | 'deadAfterMs' | 'drainTimeoutMs' | 'abortGraceMs'>;
  readonly identity: PodIdentity;
  readonly pool: WorkerPool<S>;
  readonly fence: SelfFence;
  readonly elector: Elector;
  readonly looks: PeerWatch;
  readonly standing: LeaderFitness;
  readonly wall: WallClockCheck;
  readonly events: Events;
  readonly log: Log;
  /** What the pod tells its peers about itself; asked for each heartbeat. */
  readonly meta: () => Readonly<Record<string, unknown>>;
}

/** Heartbeats come up to so much early, at random: a fleet that was started at once spreads out. */
const JITTER = 0.1;
/** Between heartbeats while the view is from before the pod has registered. */
const UNSEEN_MS = 1_000;

/** A heartbeat's answer, with what was known when it was sent. */
interface Answer<S> {
  readonly view: FleetView;
  readonly sent: Instant;
  readonly snapshot: S;
}

export class Heartbeat<S> implements Service {
  readonly #parts: HeartbeatParts<S>;
  readonly #loop: Loop;
  readonly #roster: MembershipEvents;
  readonly #ended = new AbortController();
  readonly #beats: HedgedCall<Answer<S>>;
  readonly #membership: Registration;
  readonly #patienceMs: number;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  /** Since when the pod drains for good, on the monotonic clock. */
  #drainsSince: number | undefined;
  /** Whether nothing was held at the last heartbeat of the drain. */
  #idle = false;
  #draining = false;
  #gone = false;
  #evictions = 0;
  /** The first tick of the loop only waits: `start` has beaten already. */
  #pauseMs: number | undefined;

  constructor(parts: HeartbeatParts<S>) {
    this.#parts = parts;
    this.#roster = new MembershipEvents(parts.events, parts.store.staleReadMs);
    this.#loop = new Loop(parts.runtime, () => this.#tick(), { onError: (error) => this.#failed(error) });
    const { heartbeatIntervalMs, deadAfterMs } = parts.settings;
    this.#patienceMs = patienceMs(heartbeatIntervalMs, deadAfterMs);
    const hedge = {
      runtime: parts.runtime,
      patienceMs: this.#patienceMs,
      limitMs: limitMs(heartbeatIntervalMs, deadAfterMs),
      signal: this.#ended.signal,
    };
    this.#beats = new HedgedCall(hedge);
    this.#membership = new Registration(parts, hedge);
    parts.fence.onFence(() => {
      const { reason } = parts.fence;
      // Frozen, this pod stood still; otherwise the store did not answer it, and need not have answered anybody.
      if (reason === 'frozen') parts.looks.interrupt();
      else parts.looks.forget();
      if (reason !== 'evicted') this.#loop.wake(); // evicted by an answer: the tick that got it says when to try again
    });
  }

  /** For how long the loop has been late, in ms. */
  get overdueMs(): number {
    return this.#loop.overdueMs;
  }

  /** Whether the pod has drained for good and is no longer of the fleet. */
  get hasLeft(): boolean {
    return this.#gone;
  }

  /** Registers and beats once: resolves with the fleet known. @throws StoreError, or StoppedError where `stop` came first */
  start(): Promise<void> {
    return (this.#starting ??= this.#join());
  }

  /** Leaves the fleet. It takes a few seconds at most, and never rejects. */
  stop(): Promise<void> {
    return (this.#stopping ??= this.#end());
  }

  /** Brings the next heartbeat at once. */
  beatNow(): void {
    this.#loop.wake();
  }

  /** The queue is being stopped: the pod shall not lead while it drains. It goes on giving signs of life. */
  drain(): void {
    this.#draining = true;
    this.#loop.wake();
  }

  async #join(): Promise<void> {
    try {
      this.#pauseMs = await this.#beat();
      await this.#loop.start();
      await this.#parts.fence.start();
    } catch (error) {
      await this.#leave();
      throw this.#ended.signal.aborted ? new StoppedError('start') : error;
    }
  }

  async #end(): Promise<void> {
    this.#ended.abort();
    await this.#starting?.catch(() => {}); // whoever started has been told
    await Promise.all([this.#loop.stop(), this.#parts.fence.stop()]);
    await this.#leave();
    this.#parts.elector.lapse();
  }

  async #tick(): Promise<number> {
    const pauseMs = this.#pauseMs;
    this.#pauseMs = undefined;
    return pauseMs ?? (this.#gone ? Infinity : this.#beat());
  }

  async #beat(): Promise<number> {
    const { runtime, settings, fence, looks } = this.#parts;
    if (!this.#membership.registered) await this.#register();
    const askedAt = runtime.monotonicMs();
    const { view, sent, snapshot } = await this.#beats.ask(() => this.#send());
    fence.check(); // a freeze while it was under way
    const tookMs = runtime.monotonicMs() - askedAt;
    if (tookMs > Math.min(settings.heartbeatIntervalMs, this.#patienceMs)) looks.unanswered();
    return this.#answered(view, sent, snapshot);
  }

  async #send(): Promise<Answer<S>> {
    const { store, identity, pool, fence, meta } = this.#parts;
    fence.check(); // a freeze that has just ended: this heartbeat shall count as sent after it
    const snapshot = pool.snapshot();
    const sent = fence.now();
    const beat = { eligible: this.#eligible(), asleep: false, meta: meta() };
    return { view: await store.heartbeat(identity.pod, beat), sent, snapshot };
  }

  async #register(): Promise<void> {
    await this.#membership.register();
    enter(this.#parts.identity.pod, () => void this.#parts.runtime.after(0, () => this.beatNow(), { ref: false }));
  }

  #eligible(): boolean {
    const { fence, standing } = this.#parts;
    return !this.#draining && fence.reason === undefined && standing.eligible;
  }

  async #answered(view: FleetView, sent: Instant, snapshot: S): Promise<number> {
    const { identity, pool, fence, looks, elector, wall } = this.#parts;
    const { pod } = identity;
    wall.see(view.wallAheadMs);
    const isMember = view.pods.some((each) => each.pod.incarnation === pod.incarnation);
    if (!isMember && !this.#membership.isRefutedBy(sent.monotonicMs)) return Math.min(UNSEEN_MS, this.#intervalMs());
    const successor = this.#roster.successor(view.pods, pod);
    this.#roster.see(view.pods, pod, { askedAt: sent.monotonicMs, now: this.#parts.runtime.monotonicMs() });
    supersede(this.#roster.newElders(), pod, this.#parts.log);
    if (successor !== undefined) fence.drain('superseded');
    else if (view.outdated) fence.drain('outdated');
    if (!isMember) return this.#evicted();
    this.#evictions = 0;
    const answer = fence.answered(sent);
    if (answer === 'stale') return 0;
    pool.reconcile(snapshot, view.claims);
    if (fence.final) {
      elector.forget();
      return this.#drainOn(answer === 'admitted');
    }
    if (answer === 'admitted') pool.admit(pod);
    looks.see(view.pods, pod);
    elector.judge(view.pods, pod);
    return this.#intervalMs();
  }

  /** The store does not know the present incarnation any more. */
  #evicted(): number {
    const { fence, pool, identity } = this.#parts;
    this.#membership.evicted();
    if (fence.final) {
      pool.fence(true);
      return this.#depart();
    }
    fence.evicted();
    leave(identity.pod);
    identity.renew();
    this.#beats.forget();
    return this.#evictions++ === 0 ? 0 : this.#intervalMs();
  }

  /** Goes on giving signs of life until nothing is held any more, or the time for that is over. */
  async #drainOn(mayProceedAgain: boolean): Promise<number> {
    const { runtime, pool, settings } = this.#parts;
    if (mayProceedAgain) pool.retire(); // it had to wait: let it go on
    this.#drainsSince ??= runtime.monotonicMs();
    const drainsForMs = runtime.monotonicMs() - this.#drainsSince;
    if (drainsForMs + settings.heartbeatIntervalMs > settings.drainTimeoutMs) pool.fence(true); // the next beat is too late
    const isOver = drainsForMs > settings.drainTimeoutMs + settings.abortGraceMs;
    const wasIdle = this.#idle;
    const { load } = pool;
    this.#idle = load.unstarted + load.running + load.unsettled === 0;
    if (!(this.#idle && wasIdle) && !isOver) return this.#intervalMs(); // twice: the last outcomes get their receipts
    await this.#leave();
    return this.#depart();
  }

  #depart(): number {
    leave(this.#parts.identity.pod);
    this.#parts.elector.forget();
    this.#gone = true;
    return Infinity;
  }

  async #leave(): Promise<void> {
    const { pod } = this.#parts.identity;
    this.#parts.elector.forget();
    leave(pod);
    if (await this.#membership.leave()) this.#roster.left(pod);
  }

  #failed(error: unknown): number {
    if (this.#ended.signal.aborted) return Infinity;
    const { log, settings, runtime, looks, fence } = this.#parts;
    log.warn({ error: asError(error).message }, 'a heartbeat failed');
    looks.unanswered();
    if (!this.#membership.registered && error instanceof StoreError && error.code === 'STORE_SCHEMA_NEWER') {
      fence.drain('outdated'); // evicted, and it may not join again
      return this.#evicted();
    }
    return halfJitterMs(settings.heartbeatIntervalMs, runtime.random());
  }

  #intervalMs(): number {
    const { settings, runtime } = this.#parts;
    return jitteredIntervalMs(settings.heartbeatIntervalMs, JITTER, runtime.random());
  }
}

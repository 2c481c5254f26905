/**
 * Registers this pod, sends its heartbeats, and passes on what each answer says.
 *
 * Invariants:
 * - `start` resolves once the fleet is known. One heartbeat is waited for at a time. One that fails is repeated within the
 *   interval. One that hangs is sent again long before the fence, and its late answer still counts.
 * - An answer is read in this order:
 *   1. It does not show the pod, which has just registered: a late read. Ask again soon.
 *   2. It shows a younger incarnation under our podId, or the store has a newer version of the library: drain permanently,
 *      leave, never register again.
 *   3. The pod was evicted: drop everything and register as a new incarnation, at once the first time, then at the interval.
 *   4. It was sent before the pod was fenced: ask again.
 *   5. Otherwise the pod works.
 */
import { StoppedError } from '../errors.js';
import type { Events } from '../events.js';
import { loggedError, type Log } from '../log.js';
import type { Settings } from '../options.js';
import { halfJitterMs, jitteredIntervalMs } from '../runtime/backoff.js';
import { Loop } from '../runtime/loop.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Service } from '../runtime/service.js';
import { isLive, isStoreError, type Store } from '../store/contract.js';
import type { WorkerPool } from '../pool-interface.js';
import { announcedHeartbeat, type Answer } from './announced-heartbeat.js';
import type { Elector } from './elector.js';
import { HedgedCall } from './hedged-call.js';
import type { HeartbeatPace } from './heartbeat-pace.js';
import type { LeaderFitness } from './leader-fitness.js';
import type { PeerWatch } from './peer-watch.js';
import type { OwnIncarnation } from './own-incarnation.js';
import { OwnStalls } from './own-stalls.js';
import { PermanentDrain } from './permanent-drain.js';
import { Registration, statedLimits } from './registration.js';
import type { SelfFence } from './self-fence.js';
import { addPod, removePod } from './pod-id-twice-in-process.js';
import type { WallClockCheck } from './wall-clock-check.js';
import { SleepAnnouncement } from './sleep-announcement.js';
import { Succession } from './succession.js';
import { logHeartbeatFailure } from './heartbeat-failure.js';

export interface HeartbeatDependencies {
  readonly runtime: Runtime;
  readonly store: Pick<Store, 'register' | 'heartbeat' | 'leave' | 'staleReadMs'>;
  readonly settings: Pick<Settings, 'drainTimeoutMs' | 'abortGraceMs'>;
  readonly pace: HeartbeatPace;
  readonly identity: OwnIncarnation;
  readonly pool: WorkerPool;
  readonly fence: SelfFence;
  readonly elector: Elector;
  readonly peers: PeerWatch;
  readonly fitness: LeaderFitness;
  readonly wallClock: WallClockCheck;
  readonly events: Events;
  readonly log: Log;
  /** What the pod publishes about itself with each heartbeat. */
  readonly meta: () => Readonly<Record<string, unknown>>;
}

/** A heartbeat is sent early by up to this share of its interval, so that pods that were started together spread out. */
const JITTER = 0.1;
/** Between heartbeats while the view is older than the pod's registration. */
const UNSEEN_MS = 1_000;

export class Heartbeat implements Service {
  readonly #deps: HeartbeatDependencies;
  readonly #loop: Loop;
  readonly #succession: Succession;
  readonly #registration: Registration;
  readonly #ended = new AbortController();
  readonly #calls: HedgedCall<Answer>;
  readonly #stalls: OwnStalls;
  readonly #sleep: SleepAnnouncement;
  readonly #permanentDrain: PermanentDrain;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #draining = false;
  #gone = false;
  #evictions = 0;
  /** The first tick of the loop only waits: `start` has sent a heartbeat already. */
  #pauseMs: number | undefined;

  constructor(deps: HeartbeatDependencies) {
    const { runtime, store, identity, log, meta, fence, pace } = deps;
    this.#deps = deps;
    this.#sleep = new SleepAnnouncement(deps);
    this.#permanentDrain = new PermanentDrain(deps);
    this.#succession = new Succession(deps);
    this.#loop = new Loop(runtime, () => this.#tick(), { onError: (error) => this.#failed(error) });
    const hedge = { runtime, pace, signal: this.#ended.signal };
    this.#calls = new HedgedCall(hedge);
    this.#stalls = new OwnStalls(deps);
    this.#registration = new Registration({ runtime, store, pace, identity, log, meta, hedge });
    fence.onFence(() => this.#fenced());
  }

  /** For how long the loop has been late, in ms. */
  get overdueMs(): number {
    return this.#loop.overdueMs;
  }

  /** Whether the pod has drained permanently and left the fleet. */
  get hasLeft(): boolean {
    return this.#gone;
  }

  /** Registers and sends a heartbeat: resolves with the fleet known. @throws StoreError; StoppedError if `stop` came first */
  start(): Promise<void> {
    return (this.#starting ??= this.#join());
  }

  /** Leaves the fleet. It takes a few seconds at most, and never rejects. */
  stop(): Promise<void> {
    return (this.#stopping ??= this.#end());
  }

  /** Sends the next heartbeat at once. */
  beatNow(): void {
    this.#loop.wake();
  }

  /**
   * Announces that the pod sleeps, and sends no more heartbeats until {@link Heartbeat.wake}.
   *
   * @returns resolves when it was announced; rejects if that failed, or if the pod was fenced or woken meanwhile
   */
  sleep(): Promise<void> {
    if (this.#ended.signal.aborted || this.#draining) return Promise.reject(new StoppedError('sleep'));
    const made = this.#sleep.request();
    this.#loop.wake();
    return made;
  }

  /** Sends heartbeats again. @param onAwake called when the first of them was answered */
  wake(onAwake: () => void): void {
    this.#sleep.wake(onAwake);
    this.#loop.wake();
  }

  /** The queue is being stopped: the pod must not lead while it drains. It continues to send heartbeats. */
  drain(): void {
    this.#draining = true;
    this.#sleep.withdraw();
    this.#loop.wake();
  }

  #fenced(): void {
    const { fence } = this.#deps;
    this.#sleep.withdraw(); // the answer that ends the fence admits the pool
    this.#stalls.fenced(fence);
    if (fence.reason !== 'evicted') this.#loop.wake(); // evicted by an answer: the tick that got it says when to try again
  }

  async #join(): Promise<void> {
    try {
      this.#pauseMs = await this.#beat();
      await this.#loop.start();
      await this.#deps.fence.start();
    } catch (error) {
      await this.#leave();
      throw this.#ended.signal.aborted ? new StoppedError('start') : error;
    }
  }

  async #end(): Promise<void> {
    this.#ended.abort();
    await this.#starting?.catch(() => {}); // the caller of `start` gets the error
    await Promise.all([this.#loop.stop(), this.#deps.fence.stop()]);
    await this.#leave();
    this.#deps.elector.lapse();
  }

  async #tick(): Promise<number> {
    const pauseMs = this.#pauseMs;
    this.#pauseMs = undefined;
    return this.#stalls.pauses(pauseMs ?? (this.#gone || this.#sleep.made ? Infinity : await this.#beat()));
  }

  async #beat(): Promise<number> {
    const { fence, identity } = this.#deps;
    this.#loop.grant(this.#calls.timeoutMs);
    if (!this.#registration.registered) await this.#register();
    this.#loop.grant(this.#calls.timeoutMs);
    const call = (): Promise<Answer> => this.#calls.call(() => this.#send());
    const announced = { ...this.#deps, ended: this.#ended.signal };
    const answer = await this.#stalls.during(() => announcedHeartbeat(announced, identity.pod, call));
    this.#loop.grant(0);
    fence.check(); // a freeze while it was open
    return this.#answered(answer);
  }

  async #send(): Promise<Answer> {
    const { store, identity, pool, fence, pace, meta } = this.#deps;
    fence.check(); // after a freeze that has just ended this heartbeat must count as sent after it
    const snapshot = pool.snapshot();
    const sent = fence.now();
    const asleep = this.#sleep.requested;
    const limits = pace.wanted;
    const stated = pace.scales ? statedLimits(limits, store) : undefined;
    const beat = { eligible: !asleep && this.#eligible(), asleep, ...stated, meta: meta() };
    const order = pace.sent();
    return { view: await store.heartbeat(identity.pod, beat), sent, snapshot, asleep, order, limits };
  }

  async #register(): Promise<void> {
    await this.#registration.register();
    addPod(this.#deps.identity.pod, () => this.beatNow(), this.#deps.runtime);
  }

  #eligible(): boolean {
    const { fence, fitness } = this.#deps;
    return !this.#draining && fence.reason === undefined && fitness.eligible;
  }

  async #answered({ view, sent, snapshot, asleep, order, limits }: Answer): Promise<number> {
    const { identity, pool, fence, pace, peers, elector, wallClock } = this.#deps;
    const { pod } = identity;
    wallClock.update(view.wallAheadMs);
    const isMember = view.pods.some((each) => each.pod.incarnation === pod.incarnation);
    if (!isMember && !this.#registration.isRefutedBy(sent.monotonicMs)) return Math.min(UNSEEN_MS, this.#intervalMs());
    this.#succession.check(view, pod, sent);
    if (!isMember) return this.#evicted();
    this.#evictions = 0;
    pace.answered(order, limits);
    if (asleep) return this.#sleep.answered() ? Infinity : 0;
    const answer = fence.answered(sent, view.signAgoMs);
    if (answer === 'stale') return 0;
    this.#stalls.answered();
    pool.reconcile(snapshot, view.claims);
    if (fence.final) {
      elector.reset();
      return this.#drainOn(answer === 'admitted');
    }
    if (answer === 'admitted' || this.#sleep.waking) pool.admit(pod);
    peers.update(view.pods, pod);
    pace.counted(view.pods.filter(isLive).length);
    peers.pace(pace.intervalMs);
    elector.update(view.pods, pod);
    this.#sleep.awake();
    return this.#intervalMs();
  }

  /** The store does not know the present incarnation any more. */
  #evicted(): number {
    const { fence, pool, identity } = this.#deps;
    this.#registration.evicted();
    if (fence.final) {
      pool.fence(true);
      return this.#depart();
    }
    fence.evicted();
    removePod(identity.pod);
    identity.renew();
    this.#calls.discard();
    return this.#evictions++ === 0 ? 0 : this.#intervalMs();
  }

  /** Goes on sending heartbeats until nothing is held any more, or the time for that is over. */
  async #drainOn(wasHalted: boolean): Promise<number> {
    if (!this.#permanentDrain.answered(wasHalted)) return this.#intervalMs();
    await this.#leave();
    return this.#depart();
  }

  #depart(): number {
    removePod(this.#deps.identity.pod);
    this.#deps.elector.reset();
    this.#gone = true;
    return Infinity;
  }

  async #leave(): Promise<void> {
    const { pod } = this.#deps.identity;
    this.#deps.elector.reset();
    removePod(pod);
    if (await this.#registration.leave()) this.#succession.left(pod);
  }

  #failed(error: unknown): number {
    if (this.#ended.signal.aborted) return Infinity;
    const { log, pace, runtime, peers, fence } = this.#deps;
    peers.unanswered();
    this.#sleep.withdraw(error);
    if (!this.#registration.registered && isStoreError(error) && error.code === 'STORE_SCHEMA_NEWER') {
      log.warn({ error: loggedError(error) }, 'evicted pod cannot join the fleet again; draining and leaving');
      fence.drain('outdated');
      return this.#evicted();
    }
    const retryInMs = halfJitterMs(pace.intervalMs, runtime.random());
    logHeartbeatFailure(log, error, retryInMs, this.#registration.registered);
    return this.#stalls.pauses(retryInMs);
  }

  #intervalMs(): number {
    const { pace, runtime } = this.#deps;
    return jitteredIntervalMs(pace.intervalMs, JITTER, runtime.random());
  }
}

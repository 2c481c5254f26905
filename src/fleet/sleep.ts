/**
 * Lets a pod sleep while the fleet has nothing to do, so that the store can rest too, and wakes it.
 *
 * Invariants:
 * - A pod that sleeps holds nothing, claims nothing and does not lead. It has announced that it sends no heartbeats, so nobody evicts it,
 *   and it is not fenced for its silence.
 * - Asleep, it asks only what costs nothing: whether anything has changed, and now and then how many steps there are. At long
 *   intervals it wakes to look, whatever the answers were.
 * - Any claim is a change. So while a pod holds work, all others are awake, and one of them recovers it if it dies.
 * - A pod that leads stays awake beside a silent peer, until it has evicted it. So a pod that dies while all others sleep is found when
 *   they look.
 * - It claims again only after a heartbeat was answered. Its age in the fleet stays, so once all are awake the leader is who it was.
 * - If anything of falling asleep fails, the pod stays awake.
 */
import { EVENT_LINES, logEvent, type Events, type PodAwake } from '../events.js';
import { loggedError, type Log } from '../log.js';
import { Loop } from '../runtime/loop.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Service } from '../runtime/service.js';
import { withTimeout } from '../runtime/with-timeout.js';
import type { SleepRhythm, Store } from '../store/contract.js';
import type { WorkerPool } from '../pool-interface.js';
import type { Heartbeat } from './heartbeat.js';
import type { OwnIncarnation } from './own-incarnation.js';
import { QuietSpell, type Rest } from './quiet-spell.js';
import type { Instant } from './self-fence.js';

export interface SleepDependencies {
  readonly runtime: Runtime;
  readonly store: Pick<Store, 'pulse' | 'census' | 'sleep'>;
  readonly identity: OwnIncarnation;
  readonly pool: Pick<WorkerPool, 'sleep' | 'onQuiet' | 'onWork'>;
  readonly heartbeat: Pick<Heartbeat, 'sleep' | 'wake'>;
  /** Whether the leader's services are at work. */
  readonly atWork: () => boolean;
  readonly events: Events;
  readonly log: Log;
}

type Reason = PodAwake['reason'];

interface Asleep {
  readonly rest: Rest;
  /** On both clocks: the monotonic one may stop while the machine is suspended, and the wall clock may be set. */
  readonly since: Instant;
  readonly dueInMs: number;
  /** How long it sleeps until the next check. */
  readonly checkInMs: number;
  readonly lookInMs: number;
  /** Whether it has been announced. */
  readonly announced: boolean;
}

/** Intervals are spread by this share, up and down. */
const SPREAD = 0.25;
/** The pods of a fleet look within this time, so that they share one resume of the warehouse but not one moment, in ms. */
const LOOKS_SPREAD_MS = 5_000;

export class Sleep implements Service {
  readonly #deps: SleepDependencies;
  readonly #rhythm: SleepRhythm | undefined;
  readonly #loop: Loop;
  readonly #spell: QuietSpell;
  readonly #ended = new AbortController();
  #asleep: Asleep | undefined;
  /** When it was woken last, on the monotonic clock. */
  #wokenAt: number | undefined;

  constructor(deps: SleepDependencies) {
    const { runtime, store, pool } = deps;
    this.#deps = deps;
    this.#rhythm = store.sleep;
    this.#spell = new QuietSpell(store.sleep?.quietForMs ?? Infinity);
    this.#loop = new Loop(runtime, () => this.#tick(), { onError: (error) => this.#failed(error) });
    if (this.#rhythm === undefined) return;
    pool.onQuiet((look) => {
      if (look === undefined) this.#spell.end();
      else this.#spell.quiet(look);
      if (this.#spell.wantsToken) this.#loop.wake();
    });
    pool.onWork(() => {
      this.#spell.end();
      this.#wake('local');
    });
  }

  /** Whether the pod sleeps: the fleet knows it, and nothing is in flight any more. */
  get asleep(): boolean {
    return this.#asleep?.announced === true;
  }

  /** Since it was woken last; `Infinity` if it has never slept. Before that, silence means nothing. */
  get wokenForMs(): number {
    return this.#wokenAt === undefined ? Infinity : this.#deps.runtime.monotonicMs() - this.#wokenAt;
  }

  start(): Promise<void> {
    return this.#rhythm === undefined ? Promise.resolve() : this.#loop.start();
  }

  /** The pod leaves the fleet next. A question that is not answered does not delay that. */
  stop(): Promise<void> {
    this.#ended.abort();
    return this.#loop.stop();
  }

  async #tick(): Promise<number> {
    const rhythm = this.#rhythm;
    if (rhythm === undefined) return Infinity;
    return this.#asleep === undefined ? this.#fallAsleep(rhythm) : this.#ask(rhythm, this.#asleep);
  }

  async #fallAsleep(rhythm: SleepRhythm): Promise<number> {
    const { store, runtime, pool, heartbeat, atWork } = this.#deps;
    if (!this.#spell.wantsToken) return Infinity; // woken by the next quiet exchange
    const rest = this.#spell.read(await this.#answer(() => store.pulse()), runtime.monotonicMs());
    if (rest === undefined || !this.#loop.running || atWork() || !pool.sleep()) return Infinity;
    const since = this.#instant();
    this.#asleep = {
      rest,
      since,
      dueInMs: Math.max(0, rest.dueAt - since.monotonicMs),
      checkInMs: rhythm.checkIntervalMs,
      lookInMs: this.#nextLookInMs(rhythm),
      announced: false,
    };
    try {
      await withTimeout(runtime, () => heartbeat.sleep(), { signal: this.#ended.signal });
    } catch (error) {
      this.#wake('change');
      throw error;
    }
    if (this.#asleep === undefined) return Infinity; // woken meanwhile
    this.#asleep = { ...this.#asleep, announced: true };
    this.#announceSleep(this.#asleep);
    return 0; // a change since the token was read must not wait for the first interval
  }

  /** Asks what costs nothing. */
  async #ask(rhythm: SleepRhythm, asleep: Asleep): Promise<number> {
    const { store } = this.#deps;
    const { rest, dueInMs, checkInMs, lookInMs } = asleep;
    const sleptMs = this.#sleptMs(asleep);
    if (sleptMs >= dueInMs) return this.#wake('due');
    if (sleptMs >= lookInMs) return this.#wake('look');
    // An answer that does not come must not delay what is due.
    const timeoutMs = Math.ceil(Math.min(dueInMs, lookInMs) - sleptMs);
    if ((await this.#answer(() => store.pulse(), timeoutMs)) !== rest.token) return this.#wakeFrom(asleep, 'change');
    if (sleptMs < checkInMs) return this.#nextMs(rhythm, asleep);
    if ((await this.#answer(() => store.census?.() ?? Promise.resolve(rest.census), timeoutMs)) !== rest.census)
      return this.#wakeFrom(asleep, 'check');
    const checked = { ...asleep, checkInMs: sleptMs + rhythm.checkIntervalMs };
    if (this.#asleep === asleep) this.#asleep = checked;
    return this.#nextMs(rhythm, checked);
  }

  /** Until it asks again: about a poll interval, or less if it wakes or checks before. */
  #nextMs({ pollIntervalMs }: SleepRhythm, asleep: Asleep): number {
    const pollMs = pollIntervalMs * (1 - SPREAD + 2 * SPREAD * this.#deps.runtime.random());
    const { dueInMs, checkInMs, lookInMs } = asleep;
    return Math.max(1, Math.min(pollMs, Math.min(dueInMs, lookInMs, checkInMs) - this.#sleptMs(asleep)));
  }

  #answer(call: () => Promise<string>, timeoutMs?: number): Promise<string> {
    const { signal } = this.#ended;
    return withTimeout(this.#deps.runtime, call, timeoutMs === undefined ? { signal } : { signal, timeoutMs });
  }

  /** Wakes if it still sleeps as it did when it asked. */
  #wakeFrom(asleep: Asleep, reason: Reason): number {
    return this.#asleep === asleep ? this.#wake(reason) : Infinity;
  }

  #wake(reason: Reason): number {
    const asleep = this.#asleep;
    if (asleep === undefined) return Infinity;
    const { runtime, heartbeat, identity, events, log } = this.#deps;
    this.#asleep = undefined;
    if (asleep.announced) this.#wokenAt = runtime.monotonicMs();
    this.#spell.end();
    const sleptMs = Math.round(this.#sleptMs(asleep));
    heartbeat.wake(() => {
      if (!asleep.announced) return; // it has not slept
      logEvent(log, EVENT_LINES.podAwake, { incarnation: identity.pod.incarnation, reason, sleptMs });
      events.emit('pod:awake', { ...identity.pod, reason, sleptMs });
    });
    return Infinity;
  }

  #announceSleep({ dueInMs }: Asleep): void {
    const { identity, events, log } = this.#deps;
    const nextDueInMs = dueInMs === Infinity ? null : Math.round(dueInMs);
    logEvent(log, EVENT_LINES.podAsleep, { incarnation: identity.pod.incarnation, nextDueInMs });
    events.emit('pod:asleep', { ...identity.pod, nextDueInMs });
  }

  #instant(): Instant {
    const { runtime } = this.#deps;
    return { monotonicMs: runtime.monotonicMs(), wallMs: runtime.wallMs() };
  }

  /** By the clock that says more: too long costs one look, too short could miss what is due. */
  #sleptMs({ since }: Asleep): number {
    const now = this.#instant();
    return Math.max(now.monotonicMs - since.monotonicMs, now.wallMs - since.wallMs);
  }

  /** At a multiple of the interval on the wall clock, and within the interval on either clock. */
  #nextLookInMs({ lookIntervalMs }: SleepRhythm): number {
    const { runtime } = this.#deps;
    return lookIntervalMs - (runtime.wallMs() % lookIntervalMs) + LOOKS_SPREAD_MS * runtime.random();
  }

  #failed(error: unknown): number {
    if (this.#ended.signal.aborted) return Infinity;
    const [asleep, rhythm] = [this.#asleep, this.#rhythm];
    const retryInMs = asleep === undefined || rhythm === undefined ? Infinity : this.#nextMs(rhythm, asleep);
    const fields = { error: loggedError(error), ...(retryInMs < Infinity && { retryInMs: Math.round(retryInMs) }) };
    this.#deps.log.debug(fields, 'asking whether anything has changed failed');
    if (asleep === undefined) return Infinity;
    // Without an answer nothing is known to be unchanged: after the time of a check, the pod looks.
    return this.#sleptMs(asleep) >= asleep.checkInMs ? this.#wake('check') : retryInMs;
  }
}

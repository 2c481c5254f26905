/**
 * Lets a pod sleep while the fleet has nothing to do, so that the store can rest too, and wakes it.
 *
 * Invariants:
 * - A pod that sleeps holds nothing, claims nothing and does not lead. It has announced that it sends no heartbeats, so nobody evicts it,
 *   and it is not fenced for its silence.
 * - Asleep, it asks only what costs nothing: whether anything has changed, and now and then how many steps there are. At long
 *   intervals it wakes to look, whatever the answers were.
 * - Any claim is a change. So while a pod holds work, all others are awake, and one of them recovers it if it dies.
 * - It claims again only after a heartbeat was answered. Its age in the fleet stays, so once all are awake the leader is who it was.
 * - If anything of falling asleep fails, the pod stays awake.
 */
import { EVENT_LINES, logEvent, type Events, type PodAwake } from '../events.js';
import { loggedError, type Log } from '../log.js';
import { Loop } from '../runtime/loop.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Service } from '../runtime/service.js';
import type { SleepRhythm, Store } from '../store/contract.js';
import type { WorkerPool } from '../pool-interface.js';
import type { Heartbeat } from './heartbeat.js';
import type { OwnIncarnation } from './own-incarnation.js';
import { QuietSpell, type Rest } from './quiet-spell.js';

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

interface Asleep extends Rest {
  readonly since: number;
  readonly checkAt: number;
  /** On the wall clock. */
  readonly lookAt: number;
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
  #asleep: Asleep | undefined;

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

  /** Whether the pod sleeps. */
  get asleep(): boolean {
    return this.#asleep !== undefined;
  }

  start(): Promise<void> {
    return this.#rhythm === undefined ? Promise.resolve() : this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #tick(): Promise<number> {
    const rhythm = this.#rhythm;
    if (rhythm === undefined) return Infinity;
    return this.#asleep === undefined ? this.#fallAsleep(rhythm) : this.#ask(rhythm, this.#asleep);
  }

  async #fallAsleep(rhythm: SleepRhythm): Promise<number> {
    const { store, runtime, pool, heartbeat, atWork } = this.#deps;
    if (!this.#spell.wantsToken || atWork()) return Infinity; // woken by the next quiet exchange
    const rest = this.#spell.read(await store.pulse(), runtime.monotonicMs());
    if (rest === undefined || !pool.sleep()) return Infinity;
    const since = runtime.monotonicMs();
    this.#asleep = { ...rest, since, checkAt: since + rhythm.checkIntervalMs, lookAt: this.#nextLookAt(rhythm) };
    try {
      await heartbeat.sleep();
    } catch (error) {
      this.#wake('change');
      throw error;
    }
    if (this.#asleep === undefined) return Infinity; // woken meanwhile
    this.#announceSleep(rest, since);
    return 0; // a change since the token was read must not wait for the first interval
  }

  /** Asks what costs nothing. */
  async #ask(rhythm: SleepRhythm, { token, census, dueAt, checkAt, lookAt }: Asleep): Promise<number> {
    const { store, runtime } = this.#deps;
    const now = runtime.monotonicMs();
    if (now >= dueAt) return this.#wake('due');
    if (runtime.wallMs() >= lookAt) return this.#wake('look');
    if ((await store.pulse()) !== token) return this.#wake('change');
    if (now >= checkAt && this.#asleep !== undefined) {
      if ((await store.census?.()) !== census) return this.#wake('check');
      this.#asleep = { ...this.#asleep, checkAt: now + rhythm.checkIntervalMs };
    }
    const pollMs = rhythm.pollIntervalMs * (1 - SPREAD + 2 * SPREAD * runtime.random());
    return Math.max(1, Math.min(pollMs, dueAt - runtime.monotonicMs()));
  }

  #wake(reason: Reason): number {
    const asleep = this.#asleep;
    if (asleep === undefined) return Infinity;
    const { heartbeat, runtime, identity, events, log } = this.#deps;
    this.#asleep = undefined;
    this.#spell.end();
    const sleptMs = Math.round(runtime.monotonicMs() - asleep.since);
    heartbeat.wake(() => {
      logEvent(log, EVENT_LINES.podAwake, { incarnation: identity.pod.incarnation, reason, sleptMs });
      events.emit('pod:awake', { ...identity.pod, reason, sleptMs });
    });
    return Infinity;
  }

  #announceSleep({ dueAt }: Rest, now: number): void {
    const { identity, events, log } = this.#deps;
    const nextDueInMs = dueAt === Infinity ? null : Math.max(0, Math.round(dueAt - now));
    logEvent(log, EVENT_LINES.podAsleep, { incarnation: identity.pod.incarnation, nextDueInMs });
    events.emit('pod:asleep', { ...identity.pod, nextDueInMs });
  }

  /** At a multiple of the interval on the wall clock. */
  #nextLookAt({ lookIntervalMs }: SleepRhythm): number {
    const { runtime } = this.#deps;
    const next = Math.ceil((runtime.wallMs() + 1) / lookIntervalMs) * lookIntervalMs;
    return next + LOOKS_SPREAD_MS * runtime.random();
  }

  #failed(error: unknown): number {
    const retryInMs = this.#rhythm?.pollIntervalMs ?? Infinity;
    this.#deps.log.debug({ error: loggedError(error), retryInMs }, 'asking whether anything has changed failed');
    return this.#asleep === undefined ? Infinity : retryInMs;
  }
}

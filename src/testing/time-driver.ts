/**
 * Moves the time of a test fleet, for as many goals as wait for it at once.
 *
 * Invariants:
 * - Time moves only while somebody waits for a goal. Between two movements everything settles that needs no time.
 * - Time does not move while a handler runs, unless the handler waits for the fleet, or a goal says so. Meanwhile the driver
 *   waits in real time, for `realTimeoutMs` at most.
 * - Time in which nothing can happen is skipped: the clock goes to the next instant at which a step is due, or a sleep of a
 *   handler ends, and the pods' clocks stand still meanwhile. Then the pods repeat their heartbeats, so that nobody seems to have
 *   been silent. Nothing is skipped while a handler runs that has a time-out, or a step has to be recovered.
 */
import { asError } from '../errors.js';
import { systemRuntime, type Runtime } from '../runtime/runtime.js';
import type { VirtualRuntime } from '../runtime/virtual-runtime.js';
import type { StuckReason } from './fleet-stuck-error.js';
import type { HandlerRuns } from './handler-runs.js';
import type { MemoryStore } from './memory-store.js';
import type { PodLife } from './pod-life.js';
import { UntilWrite } from './until-write.js';

/** What a test waits for. */
export interface Goal {
  /** Not past this instant, by the world's monotonic clock. */
  readonly until: number;
  /** Whether time moves although handlers run. */
  readonly whileRunning: boolean;
  /** Whether it only waits until others move time: a handler waits for it. */
  readonly passive: boolean;
  /** Whether it ends if nothing happens for `realTimeoutMs` of real time, although time moves. */
  readonly patient: boolean;
  /** Asked when everything has settled. @param blocked a handler runs that waits for something real */
  reached(blocked: boolean): boolean | Promise<boolean>;
  /** Asked when nothing is reached: whether it never will be. */
  hopeless(): StuckReason | undefined | Promise<StuckReason | undefined>;
  /** The error of a goal that is not reached. */
  stuck(reason: StuckReason): Error | Promise<Error>;
}

export interface TimeDriverDependencies {
  readonly world: VirtualRuntime;
  readonly store: MemoryStore;
  readonly runs: HandlerRuns;
  /** The pods that are not dead. */
  readonly lives: () => readonly PodLife[];
  /** Called before time moves: starts the pods that have not been started. */
  readonly prepare: () => Promise<void>;
  readonly onTime: ((now: number) => unknown) | undefined;
  readonly skipIdleTime: boolean;
  /** Until when no time is skipped, by the world's monotonic clock: pods find out what has happened to others. */
  readonly unsettledUntil: () => number;
  readonly realTimeoutMs: number;
  readonly maxRuns: number;
  /** Tests give their own. */
  readonly real?: Runtime;
}

interface Waiting {
  readonly goal: Goal;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Less is not worth skipping. */
const SHORTEST_SKIP_MS = 5_000;
/** How often a handler is looked at that is not known to have begun: its args are still checked. */
const LOOK_MS = 5;

export class TimeDriver {
  readonly #deps: TimeDriverDependencies;
  readonly #real: Runtime;
  readonly #waiting = new Set<Waiting>();
  readonly #claimed: UntilWrite<number>;
  /** By the world's monotonic clock; `Infinity` if nothing is due. */
  readonly #dueAt: UntilWrite<number>;
  #moving: Promise<void> | undefined;
  #settled = false;
  /** When a handler last began or ended, or a step was changed, in real time. */
  #activeAt = 0;
  #seenVersion = -1;
  #closed: Error | undefined;

  constructor(deps: TimeDriverDependencies) {
    this.#deps = deps;
    this.#real = deps.real ?? systemRuntime;
    this.#claimed = new UntilWrite(deps.store, () => deps.store.claimed());
    this.#dueAt = new UntilWrite(deps.store, () => this.#nextDueAt());
  }

  /** Moves time until the goal is reached. @throws the error of the goal; after `close` the error of that call */
  reach(goal: Goal): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      this.#waiting.add({ goal, resolve, reject });
      this.#drive();
    });
  }

  /** Something went wrong that no goal can wait for. */
  fail(error: Error): void {
    for (const each of this.#waiting) this.#end(each, error);
  }

  /** Moves no more. Resolves when time stands still. */
  async close(error: Error): Promise<void> {
    this.#closed = error;
    this.fail(error);
    await this.#moving;
  }

  async #move(): Promise<void> {
    const { prepare, runs, maxRuns } = this.#deps;
    try {
      await prepare();
      runs.grant(maxRuns);
      this.#active();
      while (this.#isWanted) await this.#turn();
    } catch (error) {
      this.fail(asError(error));
    }
  }

  /** Begins to move. A goal that comes when a movement is about to end begins the next. */
  #drive(): void {
    if (this.#moving !== undefined || !this.#isWanted) return;
    this.#moving = this.#move().finally(() => {
      this.#moving = undefined;
      this.#drive();
    });
  }

  get #isWanted(): boolean {
    for (const { goal } of this.#waiting) if (!goal.passive) return true;
    return false;
  }

  #active(): void {
    this.#activeAt = this.#real.monotonicMs();
  }

  async #turn(): Promise<void> {
    const { world, store, runs, lives } = this.#deps;
    if (!this.#settled) await world.settle();
    this.#settled = false;
    if (store.flush()) return;
    if (runs.exhausted) return void (await this.#endAll('runs'));
    const blocked = lives().some((life) => life.blocks);
    if ((await this.#endReached(blocked)) || !this.#isWanted) return;
    const goals = [...this.#waiting].map(({ goal }) => goal);
    const goesOn = goals.some(({ whileRunning }) => whileRunning);
    if (blocked && !goesOn) return this.#awaitHandlers();
    if ((!blocked && (await this.#endHopeless())) || (await this.#endIdle())) return;
    await this.#step(Math.min(...goals.map(({ until }) => until)) - world.monotonicMs());
  }

  /** Ends the goals that are reached, or whose time is over. */
  async #endReached(blocked: boolean): Promise<boolean> {
    const now = this.#deps.world.monotonicMs();
    return this.#endEach(async ({ goal }) => {
      if (await goal.reached(blocked)) return 'reached';
      return now >= goal.until && (!blocked || goal.whileRunning || goal.passive) ? 'time' : undefined;
    });
  }

  #endHopeless(): Promise<boolean> {
    return this.#endEach(async ({ goal }) => goal.hopeless());
  }

  /** Ends the goals that do not wait any longer if time moves and nothing happens. */
  async #endIdle(): Promise<boolean> {
    const { store, realTimeoutMs } = this.#deps;
    if (store.version !== this.#seenVersion) this.#active();
    this.#seenVersion = store.version;
    if (this.#real.monotonicMs() - this.#activeAt < realTimeoutMs) return false;
    return this.#endEach(({ goal }) => Promise.resolve(goal.patient || goal.passive ? undefined : 'idle'));
  }

  /** @returns whether any has ended */
  async #endEach(how: (waiting: Waiting) => Promise<StuckReason | 'reached' | undefined>): Promise<boolean> {
    let ended = false;
    for (const waiting of [...this.#waiting]) {
      const reason = await how(waiting);
      if (reason === undefined) continue;
      this.#end(waiting, reason === 'reached' ? undefined : await waiting.goal.stuck(reason));
      ended = true;
    }
    return ended;
  }

  #endAll(reason: StuckReason): Promise<unknown> {
    return this.#endEach(({ goal }) => Promise.resolve(goal.passive ? undefined : reason));
  }

  #end(waiting: Waiting, error?: Error): void {
    if (!this.#waiting.delete(waiting)) return;
    if (error === undefined) waiting.resolve();
    else waiting.reject(error);
  }

  /** Waits in real time until a handler begins or ends. */
  async #awaitHandlers(): Promise<void> {
    const { runs, realTimeoutMs } = this.#deps;
    const leftMs = this.#activeAt + realTimeoutMs - this.#real.monotonicMs();
    if (leftMs <= 0) return void (await this.#endAll('running'));
    await new Promise<void>((resolve) => {
      const timer = this.#real.after(Math.min(LOOK_MS, leftMs), resolve);
      runs.onActivity(() => {
        timer.cancel();
        this.#active();
        resolve();
      });
    });
  }

  /** Moves time to what happens next, by `mostMs` at most. */
  async #step(mostMs: number): Promise<void> {
    if (await this.#skip(mostMs)) return;
    await this.#advance(Math.min(mostMs, this.#deps.world.nextTimerInMs));
  }

  async #skip(mostMs: number): Promise<boolean> {
    const { store, lives, skipIdleTime, world } = this.#deps;
    const pods = lives();
    if (!skipIdleTime || mostMs < SHORTEST_SKIP_MS || pods.length === 0) return false;
    if (world.monotonicMs() < this.#deps.unsettledUntil()) return false;
    if (!pods.every((life) => life.atRest)) return false;
    const running = pods.reduce((sum, life) => sum + life.running, 0);
    if ((await this.#claimed.answer()) !== running) return false;
    const dueInMs = (await this.#dueAt.answer()) - world.monotonicMs();
    if (dueInMs < SHORTEST_SKIP_MS) return false;
    for (const life of pods) life.beginSkip();
    const ms = Math.floor(Math.min(mostMs, dueInMs, world.nextTimerInMs));
    const skips = ms >= SHORTEST_SKIP_MS;
    try {
      if (skips) await this.#advance(ms);
    } finally {
      for (const life of pods) life.endSkip(skips ? ms : 0);
    }
    if (!skips) return false;
    await Promise.all(pods.map(({ link }) => link.beatAgain()));
    store.notifyAll();
    this.#settled = false;
    return true;
  }

  /** When the next step is due that a pod handles. */
  async #nextDueAt(): Promise<number> {
    const { store, lives, world } = this.#deps;
    const pods = lives();
    const pod = pods[0]?.link.pod;
    if (pod === undefined) return -Infinity;
    return world.monotonicMs() + (await store.nextDueInMs(pod, new Set(pods.flatMap(({ types }) => types))));
  }

  async #advance(ms: number): Promise<void> {
    const { world, onTime } = this.#deps;
    if (ms > 0) await onTime?.(world.wallMs() + ms);
    await world.advance(ms);
    this.#settled = true;
  }
}

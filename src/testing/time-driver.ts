/**
 * Moves the time of a test fleet, for as many goals as wait for it at once.
 *
 * Invariants:
 * - Time moves only while somebody waits for a goal. Between two movements everything settles that needs no time.
 * - Time does not move while a handler runs, unless the handler waits for the fleet, or a goal says so. Meanwhile the driver
 *   waits in real time, for `realTimeoutMs` at most.
 * - Time in which nothing can happen is skipped: the clock goes to the next instant at which a step is due, and the pods'
 *   clocks stand still meanwhile. Then the pods repeat their heartbeats, so that nobody seems to have been silent.
 */
import { asError } from '../errors.js';
import { systemRuntime, type Runtime } from '../runtime/runtime.js';
import type { VirtualRuntime } from '../runtime/virtual-runtime.js';
import type { StuckReason } from './fleet-stuck-error.js';
import type { HandlerRuns } from './handler-runs.js';
import type { MemoryStore } from './memory-store.js';
import type { PodLife } from './pod-life.js';

/** What a test waits for. */
export interface Goal {
  /** Not past this instant, by the world's monotonic clock. */
  readonly until: number;
  /** Whether time moves although handlers run. */
  readonly whileRunning: boolean;
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
  #moving: Promise<void> | undefined;
  #activeAt = 0;
  #closed: Error | undefined;

  constructor(deps: TimeDriverDependencies) {
    this.#deps = deps;
    this.#real = deps.real ?? systemRuntime;
  }

  /** Moves time until the goal is reached. @throws the error of the goal; after `close` the error of that call */
  reach(goal: Goal): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      this.#waiting.add({ goal, resolve, reject });
      this.#moving ??= this.#move().finally(() => (this.#moving = undefined));
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
      this.#activeAt = this.#real.monotonicMs();
      while (this.#waiting.size > 0) await this.#turn();
    } catch (error) {
      this.fail(asError(error));
    }
  }

  async #turn(): Promise<void> {
    const { world, store, runs, lives } = this.#deps;
    await world.settle();
    if (store.flush()) return;
    if (runs.exhausted) return this.#endAll('runs');
    const blocked = lives().some((life) => life.blocks);
    await this.#endReached(blocked);
    if (this.#waiting.size === 0) return;
    const goals = [...this.#waiting].map(({ goal }) => goal);
    if (blocked && !goals.some(({ whileRunning }) => whileRunning)) return this.#awaitHandlers();
    this.#activeAt = this.#real.monotonicMs();
    if (!blocked && (await this.#endHopeless())) return;
    await this.#step(Math.min(...goals.map(({ until }) => until)) - world.monotonicMs());
  }

  /** Ends the goals that are reached, or whose time is over. */
  async #endReached(blocked: boolean): Promise<void> {
    const now = this.#deps.world.monotonicMs();
    for (const waiting of [...this.#waiting]) {
      const { goal } = waiting;
      if (await goal.reached(blocked)) this.#end(waiting);
      else if (now >= goal.until && (!blocked || goal.whileRunning)) this.#end(waiting, await goal.stuck('time'));
    }
  }

  async #endHopeless(): Promise<boolean> {
    let ended = false;
    for (const waiting of [...this.#waiting]) {
      const reason = await waiting.goal.hopeless();
      if (reason === undefined) continue;
      this.#end(waiting, await waiting.goal.stuck(reason));
      ended = true;
    }
    return ended;
  }

  async #endAll(reason: StuckReason): Promise<void> {
    for (const waiting of [...this.#waiting]) this.#end(waiting, await waiting.goal.stuck(reason));
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
    if (leftMs <= 0) return this.#endAll('running');
    await new Promise<void>((resolve) => {
      const timer = this.#real.after(Math.min(LOOK_MS, leftMs), resolve);
      runs.onActivity(() => {
        timer.cancel();
        this.#activeAt = this.#real.monotonicMs();
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
    const pod = pods[0]?.link.pod;
    if (!skipIdleTime || mostMs < SHORTEST_SKIP_MS || pod === undefined || !pods.every((life) => life.atRest))
      return false;
    if (await store.anyClaimed()) return false;
    const dueInMs = await store.nextDueInMs(pod, new Set(pods.flatMap(({ types }) => types)));
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
    return true;
  }

  async #advance(ms: number): Promise<void> {
    const { world, onTime } = this.#deps;
    if (ms > 0) await onTime?.(world.wallMs() + ms);
    await world.advance(ms);
  }
}

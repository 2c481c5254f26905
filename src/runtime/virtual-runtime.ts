/**
 * A {@link Runtime} for tests and simulations: its clock is moved by hand, and its randomness comes from a seed.
 *
 * Invariants:
 * - The same seed and the same calls give the same run.
 * - Time moves only in `advance` and `until`, from one due timer to the next. Between two timers, everything runs that needs
 *   no time: promise chains, and code that has yielded.
 * - Timers that are due at the same instant fire in the order in which they were set, whatever their machines.
 * - The machines of one simulated world share its time ({@link VirtualRuntime.fork}). Each has its own clocks, which can be
 *   stepped, suspended and frozen, and can drift. A timer costs the same however many machines there are.
 * - A machine that was removed never does anything again, and costs nothing.
 */
import { asError } from '../errors.js';
import { mulberry32 } from './mulberry32.js';
import { native } from './native-globals.js';
import { createUuidV7, MAX_DELAY_MS, type Runtime, type Timer } from './runtime.js';
import { OUTSIDE, TimerHeap } from './timer-heap.js';
import { VirtualTimer } from './virtual-timer.js';

export interface VirtualRuntimeOptions {
  /** The seed of its randomness. Default 1. */
  readonly seed?: number;
  /** Where the wall clock starts, in epoch ms. Default: the first instant of 2030. */
  readonly wallMs?: number;
}

/** The world's time, shared by its machines. */
interface World {
  now: number;
  moving: boolean;
  timersSet: number;
  yields: number;
  machines: number;
  /** Of all machines; those of a frozen machine are set aside when they would be next. */
  readonly timers: TimerHeap<VirtualTimer<VirtualRuntime>>;
}

/**
 * No timer that takes time takes less. An instant plus less than this may be the same instant after rounding, so a loop that waits for
 * the rest of a ms would wait for ever.
 */
const SHORTEST_MS = 1 / 1_024;
const NO_TIMER: Timer = { cancel: () => {} };
const FIRST_INSTANT_OF_2030 = 1_893_456_000_000;
/** More turns than this while no time passes mean an endless loop. */
const MAX_TURNS_AT_ONE_INSTANT = 20_000;

export class VirtualRuntime implements Runtime {
  readonly #seed: number;
  readonly #startsAt: number;
  readonly #random: () => number;
  readonly #uuid: () => string;
  #world: World;
  readonly #cancel = (timer: VirtualTimer<VirtualRuntime>): void => this.#drop(timer);
  /** Those that would have fired while it was frozen. */
  readonly #aside = new Set<VirtualTimer<VirtualRuntime>>();
  #pending = 0;
  #removed = false;
  #wallShift = 0;
  #drift: { readonly since: number; readonly rate: number } = { since: 0, rate: 0 };
  /** For how long the monotonic clock has stood still while the world's time went on. */
  #lag = 0;
  #frozen: { readonly at: number; readonly monotonic: 'runs' | 'stops' } | undefined;

  constructor(options: VirtualRuntimeOptions = {}) {
    this.#seed = options.seed ?? 1;
    this.#startsAt = options.wallMs ?? FIRST_INSTANT_OF_2030;
    this.#random = mulberry32(this.#seed);
    const bytes = mulberry32(this.#seed ^ 0x5bd1e995); // its own stream: one more id changes no jitter
    this.#uuid = createUuidV7(
      () => this.wallMs(),
      () => Math.floor(bytes() * 256),
    );
    this.#world = { now: 0, moving: false, timersSet: 0, yields: 0, machines: 1, timers: new TimerHeap() };
  }

  /** Another machine in the same world. It shares the time; its clocks, randomness and timers are its own. */
  fork(): VirtualRuntime {
    const seed = (this.#seed + Math.imul(this.#world.machines++, 0x9e3779b1)) | 0;
    const machine = new VirtualRuntime({ seed, wallMs: this.#startsAt });
    machine.#world = this.#world;
    return machine;
  }

  wallMs(): number {
    return Math.floor(this.#startsAt + this.#world.now + this.#wallShift + this.#driftedMs());
  }

  monotonicMs(): number {
    const now = this.#frozen?.monotonic === 'stops' ? this.#frozen.at : this.#world.now;
    return now - this.#lag;
  }

  random(): number {
    return this.#random();
  }

  uuid(): string {
    return this.#uuid();
  }

  after(delayMs: number, callback: () => void): Timer {
    if (this.#removed) return NO_TIMER;
    const dueAt = this.monotonicMs() + (delayMs > 0 ? Math.min(Math.max(delayMs, SHORTEST_MS), MAX_DELAY_MS) : 0);
    const world = this.#world;
    const due = { dueAt, at: dueAt + this.#lag, order: world.timersSet++ };
    const timer = new VirtualTimer<VirtualRuntime>(this, due, callback, this.#cancel);
    this.#pending++;
    world.timers.add(timer);
    return timer;
  }

  async yield(): Promise<void> {
    const world = this.#world;
    world.yields++;
    await turn();
    world.yields--;
    if (this.#removed) await new Promise<never>(() => {}); // one each: it is garbage at once
  }

  /** How many timers of this machine are set: 0 once everything has been stopped. */
  get pending(): number {
    return this.#pending;
  }

  /** In how many ms the world's next timer is due, over all machines that are not frozen; `Infinity` if none is set. */
  get nextTimerInMs(): number {
    const next = this.#next();
    return next === undefined ? Infinity : Math.max(0, next.at - this.#world.now);
  }

  /** Steps the wall clock forward or back. The monotonic clock and the timers are not affected. */
  shiftWall(ms: number): void {
    this.#wallShift += ms;
  }

  /** From now on the wall clock runs faster than real time by this, or slower if it is negative. 0: at the right speed. */
  drift(perMille: number): void {
    this.#wallShift += this.#driftedMs();
    this.#drift = { since: this.#world.now, rate: perMille / 1_000 };
  }

  /** The machine has slept for this time: the wall clock has run on, the monotonic clock has stood still. */
  suspend(ms: number): void {
    this.shiftWall(Math.max(0, ms));
  }

  /**
   * From now on the machine does nothing while the world's time moves: its timers do not fire until {@link thaw}.
   *
   * @param monotonic `runs`: a process that was stopped (SIGSTOP) or whose event loop is blocked; `stops`: a machine
   * that sleeps, so that timers go on later by as much
   */
  freeze(monotonic: 'runs' | 'stops' = 'runs'): void {
    this.#frozen ??= { at: this.#world.now, monotonic };
  }

  /** Ends {@link freeze}. Timers that are due by now fire when time is moved next. */
  thaw(): void {
    if (this.#frozen?.monotonic === 'stops') this.#lag += this.#world.now - this.#frozen.at;
    this.#frozen = undefined;
    for (const timer of this.#aside) this.#world.timers.add(timer);
    this.#aside.clear();
  }

  /**
   * A process that was killed, or a machine that is lost. Its timers never fire, none can be set, and code that has yielded
   * never continues. Its clocks can still be read.
   */
  remove(): void {
    this.#removed = true;
    this.#pending = 0;
    this.#aside.clear();
    this.#world.timers.removeAll(({ machine }) => machine === this);
  }

  /** Moves the world's time and fires the timers that are due, in order. Everything settles in between. */
  async advance(ms: number): Promise<void> {
    await this.#move(async () => {
      const world = this.#world;
      const until = world.now + ms;
      await this.#fireAll(until, () => false);
      world.now = until;
    });
  }

  /** Lets everything settle that needs no time. */
  settle(): Promise<void> {
    return this.#move(() => this.#fireAll(-Infinity, () => false));
  }

  /**
   * Moves time from timer to timer until `promise` has settled, and returns its result. When no timer is left, it waits
   * for the promise.
   *
   * @param atMostMs fails once this time has passed. Default: ten minutes
   */
  async until<T>(promise: Promise<T>, atMostMs = 600_000): Promise<T> {
    let settled = false;
    const settles = (): void => {
      settled = true;
    };
    promise.then(settles, settles);
    await this.#move(async () => {
      const limit = this.#world.now + atMostMs;
      await this.#fireAll(limit, () => settled);
      if (!settled && this.#next() !== undefined) throw new Error(`until: not settled after ${atMostMs} ms`);
    });
    return promise;
  }

  /** One caller at a time may move time. */
  async #move(move: () => Promise<void>): Promise<void> {
    const world = this.#world;
    if (world.moving) throw new Error('another call moves the clock: await that call first');
    world.moving = true;
    try {
      await move();
    } finally {
      world.moving = false;
    }
  }

  /** Fires one timer after another until none is due by then, or `enough` says so. Everything settles before and after each. */
  #fireAll(until: number, enough: () => boolean): Promise<void> {
    const world = this.#world;
    return new Promise((resolve, reject) => {
      let turns = 0;
      const turn = (): void => {
        if (world.yields > 0) {
          if (turns++ > MAX_TURNS_AT_ONE_INSTANT)
            return reject(new Error('endless loop: code yields without end while no time passes'));
        } else {
          turns = 0;
          try {
            if (enough() || !this.#fireNext(until)) return resolve();
          } catch (error) {
            return reject(asError(error));
          }
        }
        native.setImmediate(turn);
      };
      native.setImmediate(turn);
    });
  }

  /** Fires the world's next timer, if it is due by then. */
  #fireNext(until: number): boolean {
    const next = this.#next();
    if (next === undefined || next.at > until) return false;
    this.#world.now = Math.max(this.#world.now, next.at);
    next.cancel(); // it fires once
    next.fire();
    return true;
  }

  #next(): VirtualTimer<VirtualRuntime> | undefined {
    const { timers } = this.#world;
    for (;;) {
      const { first } = timers;
      if (first === undefined) return undefined;
      const { machine } = first;
      const at = first.dueAt + machine.#lag;
      if (machine.#frozen === undefined && at === first.at) return first;
      timers.remove(first);
      first.at = at;
      if (machine.#frozen === undefined) timers.add(first);
      else machine.#aside.add(first);
    }
  }

  #drop(timer: VirtualTimer<VirtualRuntime>): void {
    if (timer.slot === OUTSIDE) {
      if (this.#aside.delete(timer)) this.#pending--;
      return;
    }
    this.#world.timers.remove(timer);
    this.#pending--;
  }

  #driftedMs(): number {
    const { since, rate } = this.#drift;
    return rate * (this.#world.now - since);
  }
}

/** One turn of the real event loop. All promise chains that need no more than that settle. */
function turn(): Promise<void> {
  return new Promise((resolve) => native.setImmediate(resolve));
}

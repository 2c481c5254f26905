/**
 * A {@link Runtime} for tests and simulations: its clock is moved by hand, and its randomness comes from a seed.
 *
 * Invariants:
 * - The same seed and the same calls give the same run.
 * - Time moves only in `advance` and `until`, from one due timer to the next. Between two timers, everything runs that needs
 *   no time: promise chains, and code that has yielded.
 * - The machines of one simulated world share its time ({@link VirtualRuntime.fork}). Each has its own clocks, which can be
 *   stepped, suspended and frozen.
 */
import { AsyncResource } from 'node:async_hooks';
import { native } from './native-globals.js';
import { createUuidV7, MAX_DELAY_MS, type Runtime, type Timer } from './runtime.js';

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
  readonly machines: VirtualRuntime[];
}

interface VirtualTimer {
  /** By its machine's monotonic clock. */
  readonly dueAt: number;
  readonly order: number;
  /** Bound to the async context in which the timer was set, as Node's are. */
  readonly callback: () => void;
}

const FIRST_INSTANT_OF_2030 = 1_893_456_000_000;
/** More turns than this while no time passes mean an endless loop. */
const MAX_TURNS_AT_ONE_INSTANT = 20_000;

export class VirtualRuntime implements Runtime {
  readonly #seed: number;
  readonly #startsAt: number;
  readonly #random: () => number;
  readonly #uuid: () => string;
  #world: World;
  /** Sorted: the next one first. */
  readonly #timers: VirtualTimer[] = [];
  #wallShift = 0;
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
    this.#world = { now: 0, moving: false, timersSet: 0, yields: 0, machines: [this] };
  }

  /** Another machine in the same world. It shares the time; its clocks, randomness and timers are its own. */
  fork(): VirtualRuntime {
    const seed = (this.#seed + Math.imul(this.#world.machines.length, 0x9e3779b1)) | 0;
    const machine = new VirtualRuntime({ seed, wallMs: this.#startsAt });
    machine.#world = this.#world;
    this.#world.machines.push(machine);
    return machine;
  }

  wallMs(): number {
    return Math.floor(this.#startsAt + this.#world.now + this.#wallShift);
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
    const dueAt = this.monotonicMs() + Math.min(Math.max(delayMs, 0), MAX_DELAY_MS);
    const context = new AsyncResource('VirtualTimer');
    const fire = (): void => context.runInAsyncScope(callback);
    const timer: VirtualTimer = { dueAt, order: this.#world.timersSet++, callback: fire };
    this.#timers.splice(this.#timers.findLastIndex((other) => other.dueAt <= dueAt) + 1, 0, timer);
    return {
      cancel: () => {
        const index = this.#timers.indexOf(timer);
        if (index >= 0) this.#timers.splice(index, 1);
      },
    };
  }

  async yield(): Promise<void> {
    this.#world.yields++;
    await turn();
    this.#world.yields--;
  }

  /** How many timers of this machine are set: 0 once everything has been stopped. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Steps the wall clock forward or back. The monotonic clock and the timers are not affected. */
  shiftWall(ms: number): void {
    this.#wallShift += ms;
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
  }

  /** Moves the world's time and fires the timers that are due, in order. Everything settles in between. */
  async advance(ms: number): Promise<void> {
    await this.#move(async () => {
      const world = this.#world;
      const until = world.now + ms;
      await this.#settle();
      while (this.#fireNext(until)) await this.#settle();
      world.now = until;
    });
  }

  /** Lets everything settle that needs no time. */
  settle(): Promise<void> {
    return this.#move(() => this.#settle());
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
      await this.#settle();
      while (!settled && this.#fireNext(limit)) await this.#settle();
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

  async #settle(): Promise<void> {
    let turns = 0;
    do {
      if (turns++ > MAX_TURNS_AT_ONE_INSTANT)
        throw new Error('endless loop: code yields without end while no time passes');
      await turn();
    } while (this.#world.yields > 0);
  }

  /** Fires the world's next timer, if it is due by then. */
  #fireNext(until: number): boolean {
    const next = this.#next();
    if (next === undefined || next.at > until) return false;
    this.#world.now = Math.max(this.#world.now, next.at);
    next.machine.#timers.shift()?.callback();
    return true;
  }

  #next(): { readonly machine: VirtualRuntime; readonly at: number; readonly order: number } | undefined {
    let next: { readonly machine: VirtualRuntime; readonly at: number; readonly order: number } | undefined;
    for (const machine of this.#world.machines) {
      const [timer] = machine.#timers;
      if (timer === undefined || machine.#frozen !== undefined) continue;
      const at = timer.dueAt + machine.#lag;
      if (next === undefined || at < next.at || (at === next.at && timer.order < next.order)) {
        next = { machine, at, order: timer.order };
      }
    }
    return next;
  }
}

/** One turn of the real event loop. All promise chains that need no more than that settle. */
function turn(): Promise<void> {
  return new Promise((resolve) => native.setImmediate(resolve));
}

/** A small seeded generator (Mulberry32, T. Ettinger): 32 bits of state, evenly spread, not for secrets. */
function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

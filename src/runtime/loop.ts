/**
 * A background loop that runs one tick after another; each tick returns the delay until the next.
 *
 * Invariants:
 * - One tick runs at a time. `wake` starts the next tick at once; a `wake` during a tick is never lost.
 * - Ticks run in the async context of `start`, whatever wakes the loop.
 * - If a tick throws, `onError` gets the error and returns the delay. `stop` waits for the tick that runs.
 */
import { QueueContext } from './async-context.js';
import type { Runtime, Timer, TimerOptions } from './runtime.js';
import type { Service } from './service.js';

export interface LoopOptions extends TimerOptions {
  /**
   * If true, a tick begins in the next turn of the event loop, so several wakes in one turn cause one tick. Default
   * false.
   */
  readonly gathersWakes?: boolean;
  /** Called with the error that a tick threw. Returns the delay until the next tick, in ms. */
  readonly onError: (error: unknown) => number;
}

export class Loop implements Service {
  readonly #runtime: Runtime;
  readonly #tick: () => Promise<number>;
  readonly #options: LoopOptions;
  readonly #context = new QueueContext();
  readonly #begun = (): void => void (this.#ticking = this.#round());
  #running = false;
  #busy = false;
  #ticking: Promise<void> | undefined;
  #timer: Timer | undefined;
  #woken = false;
  #expectedAt = 0;

  /** @param tick does one round of work and returns the delay in ms until the next; `Infinity` waits for a wake. */
  constructor(runtime: Runtime, tick: () => Promise<number>, options: LoopOptions) {
    this.#runtime = runtime;
    this.#tick = tick;
    this.#options = options;
  }

  get running(): boolean {
    return this.#running;
  }

  /** Whether a tick runs. */
  get busy(): boolean {
    return this.#busy;
  }

  /**
   * For how long the loop has been late, in ms: since its timer was due, or, while a tick runs, since that tick has used up
   * the time that {@link grant} gave it last. 0 while it waits for its timer, or is stopped. Health reads it.
   */
  get overdueMs(): number {
    return this.#running ? Math.max(0, this.#runtime.monotonicMs() - this.#expectedAt) : 0;
  }

  /** Called by a tick: from now on it may take this long before the loop is late. A tick begins with 0. */
  grant(ms: number): void {
    this.#expectedAt = this.#runtime.monotonicMs() + ms;
  }

  start(): Promise<void> {
    if (!this.#running) {
      this.#running = true;
      this.#woken = true;
      this.#context.capture();
      if (!this.#busy) this.#begin(); // otherwise the tick that `stop` waits for is followed by the next
    }
    return Promise.resolve();
  }

  /** Starts the next tick at once, or right after the tick that runs. */
  wake(): void {
    if (!this.#running) return;
    this.#woken = true;
    if (!this.#busy) this.#begin();
  }

  async stop(): Promise<void> {
    this.#running = false;
    this.#timer?.cancel();
    this.#timer = undefined;
    await this.#ticking;
  }

  #begin(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#busy = true; // set now: code of the tick before its first await may wake this loop
    this.#context.run(this.#begun);
  }

  async #round(): Promise<void> {
    let delayMs = Infinity;
    let yields = this.#options.gathersWakes === true;
    do {
      this.#expectedAt = this.#runtime.monotonicMs();
      if (yields) await this.#runtime.yield(); // ticks without a pause must not starve the host
      if (yields && !this.#running) break; // stopped meanwhile
      this.#woken = false;
      delayMs = await this.#tickOnce();
      yields = true;
    } while (this.#isWanted(delayMs));
    this.#busy = false;
    if (this.#running) this.#schedule(delayMs);
  }

  async #tickOnce(): Promise<number> {
    try {
      return await this.#tick();
    } catch (error) {
      return this.#options.onError(error);
    }
  }

  /** Whether another tick is to follow at once. */
  #isWanted(delayMs: number): boolean {
    return this.#running && (this.#woken || delayMs <= 0);
  }

  #schedule(delayMs: number): void {
    this.#expectedAt = this.#runtime.monotonicMs() + delayMs;
    if (delayMs === Infinity) return;
    this.#timer = this.#runtime.after(delayMs, () => this.#begin(), this.#options);
  }
}

/** The real runtime with clocks and timers that run at another rate, which may change. */
import { systemRuntime, type Runtime, type Timer, type TimerOptions } from '../../src/runtime/runtime.js';

export class ScaledRuntime implements Runtime {
  #rate: number;
  /** When the rate was set, in real and in modelled ms. */
  #since = systemRuntime.monotonicMs();
  #monotonicMs = this.#since;
  readonly #wallAheadMs = systemRuntime.wallMs() - this.#since;
  readonly #timers = new Set<ScaledTimer>();

  /** @param rate how many modelled ms pass in one real ms */
  constructor(rate: number) {
    this.#rate = rate;
  }

  get rate(): number {
    return this.#rate;
  }

  /** Timers that were set keep their modelled time. */
  set rate(rate: number) {
    this.#monotonicMs = this.monotonicMs();
    this.#since = systemRuntime.monotonicMs();
    this.#rate = rate;
    for (const timer of this.#timers) timer.arm();
  }

  monotonicMs(): number {
    return this.#monotonicMs + (systemRuntime.monotonicMs() - this.#since) * this.#rate;
  }

  wallMs(): number {
    return Math.floor(this.monotonicMs() + this.#wallAheadMs);
  }

  random = () => systemRuntime.random();
  uuid = () => systemRuntime.uuid();
  yield = () => systemRuntime.yield();

  after(delayMs: number, callback: () => void, options?: TimerOptions): Timer {
    const timer = new ScaledTimer(this, this.monotonicMs() + Math.max(0, delayMs), options, () => {
      this.#timers.delete(timer);
      callback();
    });
    this.#timers.add(timer);
    timer.arm();
    return {
      cancel: () => {
        this.#timers.delete(timer);
        timer.cancel();
      },
    };
  }
}

class ScaledTimer {
  readonly #runtime: ScaledRuntime;
  readonly #at: number;
  readonly #options: TimerOptions | undefined;
  readonly #fire: () => void;
  #timer: Timer | undefined;

  constructor(runtime: ScaledRuntime, at: number, options: TimerOptions | undefined, fire: () => void) {
    this.#runtime = runtime;
    this.#at = at;
    this.#options = options;
    this.#fire = fire;
  }

  arm(): void {
    this.#timer?.cancel();
    const realMs = (this.#at - this.#runtime.monotonicMs()) / this.#runtime.rate;
    this.#timer = systemRuntime.after(realMs, this.#fire, this.#options);
  }

  cancel(): void {
    this.#timer?.cancel();
  }
}

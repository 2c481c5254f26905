/**
 * The store's clock: one time for all processes that share a file, without a server to ask.
 *
 * Law: it runs by monotonic time, so it neither stands still nor goes back, and no step of the wall clock moves it. While
 * the fleet lives its newest heartbeat is the anchor: a process that opens the file goes on from it, whatever its own
 * wall clock says by then. Only where nobody lives does the wall clock count, and never below what the file has seen.
 *
 * Processes of one host share the monotonic clock (since boot), so a heartbeat that carries its reading tells how long
 * ago it was. After another boot, or on another host, it tells nothing; then the wall clock decides.
 */
import type { Runtime } from '../../runtime/runtime.js';

/** A heartbeat in the file. */
export interface SignOfLife {
  readonly heardAt: number;
  readonly deadAfterMs: number;
  /** The monotonic clock when it was made, and the boot that this clock counts from. */
  readonly hostMs: number;
  readonly boot: string;
}

/** What the file knows of time. */
export interface FileTimes {
  /** The newest heartbeat or step in it; 0: none. */
  readonly newest: number;
  /** Of the incarnations that are not final. */
  readonly signs: readonly SignOfLife[];
}

/** A reading of the clock, with what a heartbeat carries of its host. */
export interface Instant {
  readonly now: number;
  readonly hostMs: number;
  readonly boot: string;
}

export class Clock {
  readonly #runtime: Runtime;
  readonly #boot: string;
  #base: number;
  #since: number;

  constructor(runtime: Runtime, boot: string) {
    this.#runtime = runtime;
    this.#boot = boot;
    this.#since = runtime.monotonicMs();
    this.#base = runtime.wallMs();
  }

  /** Sets the clock when a file is opened. */
  set({ newest, signs }: FileTimes): void {
    const monotonic = this.#runtime.monotonicMs();
    const anchors = signs.flatMap(({ heardAt, deadAfterMs, hostMs, boot }) => {
      const agoMs = monotonic - hostMs;
      return boot === this.#boot && agoMs >= 0 && agoMs <= deadAfterMs ? [heardAt + agoMs] : [];
    });
    this.#since = monotonic;
    this.#base = Math.max(newest, ...(anchors.length > 0 ? anchors : [this.#runtime.wallMs()]));
  }

  /** Epoch ms, whole. */
  now(): number {
    return Math.floor(this.#base + this.#runtime.monotonicMs() - this.#since);
  }

  instant(): Instant {
    return { now: this.now(), hostMs: Math.floor(this.#runtime.monotonicMs()), boot: this.#boot };
  }

  /** From now on never below this instant. */
  heard(instant: number): void {
    if (instant <= this.now()) return;
    this.#since = this.#runtime.monotonicMs();
    this.#base = instant;
  }
}

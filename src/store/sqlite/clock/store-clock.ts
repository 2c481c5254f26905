/**
 * The store's clock: one time for all processes that share a file, without a server to ask.
 *
 * Two clocks are kept apart. The *store's clock* is what this module gives: silence, delays and retries are judged by it,
 * and every instant in the file is one of its readings. The *wall clock* is the real world's: a user's `runAt` is an
 * instant of it. What lies between the two, the offset, stands in the file (`wall-clock.ts`).
 *
 * Invariants:
 * - The store's clock runs by monotonic time: it never goes back, and no step of the wall clock moves it.
 * - Within one boot of the host it is one line for every process, whether or not a pod lives in between: the file records
 *   where the line is, and a process that opens the file goes on from there. Processes of one host share the monotonic
 *   clock, so a recorded reading of it says how long ago it was made.
 * - After another boot the wall clock says how much time has passed, less the offset that was recorded. The clock never
 *   begins below anything that the file has seen.
 * - Time in which the host is suspended does not count: the monotonic clock stands still on most systems.
 */
import type { Runtime } from '../../../runtime/runtime.js';

/** A heartbeat in the file. */
export interface SignOfLife {
  readonly heardAt: number;
  readonly deadAfterMs: number;
  /** The monotonic clock when it was made, and the boot that this clock counts from. */
  readonly hostMs: number;
  readonly boot: string;
}

/** What the file records about its two clocks: from `since` on the wall clock was `offsetMs` ahead of the store's. */
export interface RecordedOffset {
  /** By the store's clock. */
  readonly since: number;
  readonly offsetMs: number;
  /** The monotonic clock at `since`, and the boot that it counts from. */
  readonly hostMs: number;
  readonly boot: string;
}

/** What the file knows of time. */
export interface FileTimes {
  /** The newest heartbeat, step or offset in it; 0: none. */
  readonly newest: number;
  /** Of the incarnations that are not final. */
  readonly signs: readonly SignOfLife[];
  /** The newest offset; `undefined`: none was ever recorded. */
  readonly offset: RecordedOffset | undefined;
}

/** A reading of the clock, with what a heartbeat carries of its host. */
export interface Instant {
  readonly now: number;
  readonly hostMs: number;
  readonly boot: string;
  /** This process's wall clock at the same moment; `null`: the two clocks could not be read close enough together. */
  readonly wallMs: number | null;
}

/** Readings that took longer than this say nothing: the thread was interrupted between two clocks. */
const SIMULTANEOUS_MS = 20;
const READ_TRIES = 3;

export class StoreClock {
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

  /**
   * Sets the clock when a file is opened.
   *
   * @returns whether a pod lives: then it is not for this process to say what the wall clock is
   */
  set({ newest, signs, offset }: FileTimes): boolean {
    const monotonic = this.#runtime.monotonicMs();
    const living = signs.flatMap(({ heardAt, deadAfterMs, hostMs, boot }) => {
      const agoMs = monotonic - hostMs;
      return boot === this.#boot && agoMs >= 0 && agoMs <= deadAfterMs ? [heardAt + agoMs] : [];
    });
    // A platform without a word for its boot cannot tell whether its monotonic clock has begun anew since.
    const sameBoot = offset !== undefined && this.#boot !== '' && offset.boot === this.#boot;
    const agoMs = sameBoot ? monotonic - offset.hostMs : -1;
    const line = sameBoot && agoMs >= 0 ? [offset.since + agoMs] : [];
    const anchors = [...living, ...line];
    const byWall = this.#runtime.wallMs() - (offset?.offsetMs ?? 0);
    this.#since = monotonic;
    this.#base = Math.max(newest, ...(anchors.length > 0 ? anchors : [byWall]));
    return living.length > 0;
  }

  /** Epoch ms, whole. */
  now(): number {
    return Math.floor(this.#base + this.#runtime.monotonicMs() - this.#since);
  }

  instant(): Instant {
    for (let tries = 1; ; tries++) {
      const hostMs = this.#runtime.monotonicMs();
      const now = this.now();
      const wallMs = this.#runtime.wallMs();
      const isSimultaneous = this.#runtime.monotonicMs() - hostMs <= SIMULTANEOUS_MS;
      if (!isSimultaneous && tries < READ_TRIES) continue;
      return { now, hostMs: Math.floor(hostMs), boot: this.#boot, wallMs: isSimultaneous ? wallMs : null };
    }
  }

  /** From now on never below this instant. */
  heard(instant: number): void {
    if (instant <= this.now()) return;
    this.#since = this.#runtime.monotonicMs();
    this.#base = instant;
  }
}

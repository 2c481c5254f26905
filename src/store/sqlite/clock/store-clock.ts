/**
 * The store's clock: the same time for all processes that share a file.
 *
 * There are two clocks. This module is the *store's clock*: it judges silence, delays and retries, and every instant in
 * the file is one of its readings. The *wall clock* is the time of day: a user's `runAt` is an instant of it. The file
 * records the offset between the two (`wall-clock-offsets.ts`).
 *
 * Invariants:
 * - The store's clock runs by monotonic time. It never goes back, and a jump of the wall clock does not move it.
 * - Within one boot of the host, all processes have the same time, even if no pod is alive in between. The file records a
 *   reading of the monotonic clock, which processes of one host share, so a later process continues from it.
 * - After a reboot, the wall clock shows how much time has passed, less the recorded offset.
 * - The clock never starts below an instant in the file.
 * - Time in which the host is suspended does not count: on most systems the monotonic clock stands still.
 */
import type { Runtime } from '../../../runtime/runtime.js';

/** A heartbeat in the file. */
export interface RecordedHeartbeat {
  readonly heardAt: number;
  readonly deadAfterMs: number;
  /** The reading of the monotonic clock, and the boot that it counts from. */
  readonly hostMs: number;
  readonly boot: string;
}

/** From `since` on, the wall clock was `offsetMs` ahead of the store's clock. */
export interface RecordedOffset {
  /** By the store's clock. */
  readonly since: number;
  readonly offsetMs: number;
  /** The monotonic clock at `since`, and the boot that it counts from. */
  readonly hostMs: number;
  readonly boot: string;
}

/** The times in a file. */
export interface FileTimes {
  /** The instant of the newest heartbeat, step or offset; 0 if there is none. */
  readonly newest: number;
  /** Of the incarnations that are not final. */
  readonly heartbeats: readonly RecordedHeartbeat[];
  /** The newest offset; `undefined` if none is recorded. */
  readonly offset: RecordedOffset | undefined;
}

/** A reading of the clock, with the host's clocks at the same moment. */
export interface Instant {
  readonly now: number;
  readonly hostMs: number;
  readonly boot: string;
  /** This process's wall clock; `null` if the two clocks could not be read close enough together. */
  readonly wallMs: number | null;
}

/** If reading both clocks takes longer, the thread was interrupted in between, and the readings do not belong together. */
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
   * @returns whether a pod lives: then that pod records the wall clock, not this process
   */
  set({ newest, heartbeats, offset }: FileTimes): boolean {
    const monotonic = this.#runtime.monotonicMs();
    const living = heartbeats.flatMap(({ heardAt, deadAfterMs, hostMs, boot }) => {
      const agoMs = monotonic - hostMs;
      return boot === this.#boot && agoMs >= 0 && agoMs <= deadAfterMs ? [heardAt + agoMs] : [];
    });
    // Without a boot id, the monotonic clock may have started over since.
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

  /** Raises the clock to this instant, if it is behind. */
  heard(instant: number): void {
    if (instant <= this.now()) return;
    this.#since = this.#runtime.monotonicMs();
    this.#base = instant;
  }
}

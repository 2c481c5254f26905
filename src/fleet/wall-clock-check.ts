/**
 * The wall check: whether this pod's wall clock agrees with the store's idea of real time, as of the last heartbeat.
 *
 * Invariants: a difference is a warning, never a problem: it harms no delay, retry or recovery, and a restart does not put
 * a clock right. It is logged when it begins and when it ends, not with each heartbeat.
 */
import type { Log } from '../log.js';

/** A difference of up to so many ms is not worth a warning. */
const AGREES_WITHIN_MS = 1_000;

export class WallClockCheck {
  readonly #log: Log;
  #aheadMs = 0;

  constructor({ log }: { readonly log: Log }) {
    this.#log = log;
  }

  /** By how much this pod's wall clock is wrong by the store's, in ms: ahead, or negative: behind. 0 where they agree. */
  get differsByMs(): number {
    return this.#aheadMs;
  }

  /** A heartbeat's answer. @param wallAheadMs see `FleetView` */
  see(wallAheadMs: number): void {
    const before = this.#aheadMs;
    this.#aheadMs = Math.abs(wallAheadMs) > AGREES_WITHIN_MS ? wallAheadMs : 0;
    if (before === 0 && this.#aheadMs !== 0)
      this.#log.warn(
        { wallAheadMs },
        'the wall clock of this pod disagrees with the store’s; a runAt that this process computes is off by as much',
      );
    if (before !== 0 && this.#aheadMs === 0)
      this.#log.info({ wallAheadMs }, 'the wall clock of this pod agrees with the store’s again');
  }
}

/**
 * Compares this pod's wall clock with the store's, as of the last heartbeat.
 *
 * Invariants:
 * - A difference is a warning, never a problem: no delay, retry or recovery depends on it, and a restart does not correct a
 *   clock.
 * - It is logged when it begins and when it ends, not with each heartbeat.
 */
import type { Log } from '../log.js';

/** A difference up to this is not worth a warning. */
const TOLERANCE_MS = 1_000;

export class WallClockCheck {
  readonly #log: Log;
  #aheadMs = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  /** How far this pod's wall clock is ahead of the store's, in ms; negative if it is behind, 0 if they agree. */
  get aheadMs(): number {
    return this.#aheadMs;
  }

  /** Called with each answer to a heartbeat. @param wallAheadMs see `FleetView` */
  update(wallAheadMs: number): void {
    const before = this.#aheadMs;
    this.#aheadMs = Math.abs(wallAheadMs) > TOLERANCE_MS ? wallAheadMs : 0;
    if (before === 0 && this.#aheadMs !== 0)
      this.#log.warn(
        { wallAheadMs },
        'wall clock of this pod differs from the store’s; a runAt that this process computes is off by the difference',
      );
    if (before !== 0 && this.#aheadMs === 0)
      this.#log.info({ wallAheadMs }, 'wall clock of this pod agrees with the store’s again');
  }
}

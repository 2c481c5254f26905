/**
 * Wall times: which instant of the wall clock an instant of the store's clock was, or will be.
 *
 * Invariants:
 * - An instant is shown by the offset that was in force at that instant. So what has been shown once, such as the
 *   `createdAt` of a step, is shown the same after the wall clock was corrected, or the host was suspended.
 * - What lies ahead is shown by the newest offset; what is older than all that is recorded, by the oldest.
 * - 0 stays 0: a row written by hand that has no instant yet.
 */
export type OffsetRow = readonly [since: number, offsetMs: number];

export class WallTimeConversion {
  /** In the order of `since`. */
  readonly #offsets: readonly OffsetRow[];
  /** From here on the newest offset holds: that is nearly all that is ever asked, on the hot path. */
  readonly #newestSince: number;
  readonly #newestMs: number;

  constructor(offsets: readonly OffsetRow[]) {
    this.#offsets = offsets;
    const [since, offsetMs] = offsets.at(-1) ?? [0, 0];
    this.#newestSince = offsets.length > 1 ? Math.max(1, since) : 1;
    this.#newestMs = offsetMs;
  }

  /** @param instant by the store's clock, in epoch ms */
  of(instant: number): number {
    return instant >= this.#newestSince ? instant + this.#newestMs : this.#earlier(instant);
  }

  #earlier(instant: number): number {
    if (instant === 0) return 0;
    const [, offsetMs] = this.#offsets.findLast(([since]) => since <= instant) ?? this.#offsets[0] ?? [0, 0];
    return instant + offsetMs;
  }
}

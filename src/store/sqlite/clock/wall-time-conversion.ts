/**
 * Converts instants of the store's clock to wall time.
 *
 * Invariants:
 * - An instant is converted by the offset of its own time. So the `createdAt` of a step stays the same after the wall
 *   clock is corrected or the host was suspended.
 * - A future instant is converted by the newest offset, one older than all records by the oldest.
 * - 0 stays 0: a row that SQL inserted has no instant yet.
 */
export type OffsetRow = readonly [since: number, offsetMs: number];

export class WallTimeConversion {
  /** Ordered by `since`. */
  readonly #offsets: readonly OffsetRow[];
  /** From here on the newest offset holds. On the hot path, nearly every instant is later. */
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

  /**
   * Instants of the store's clock that cover all which are shown from `from` on and before `before`. Others may be among
   * them, if the wall clock was corrected.
   */
  covering(from = -Infinity, before = Infinity): readonly [from: number, before: number] {
    const offsets = this.#offsets.map(([, offsetMs]) => offsetMs);
    return [from - Math.max(0, ...offsets), before - Math.min(0, ...offsets)];
  }

  #earlier(instant: number): number {
    if (instant === 0) return 0;
    const [, offsetMs] = this.#offsets.findLast(([since]) => since <= instant) ?? this.#offsets[0] ?? [0, 0];
    return instant + offsetMs;
  }
}

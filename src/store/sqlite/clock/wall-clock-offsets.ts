/**
 * Records by how much the wall clock is ahead of the store's clock, now and earlier.
 *
 * Invariants:
 * - One process records the wall clock: the oldest live pod, with each heartbeat. If no pod is alive, it is the process
 *   that opens the file. All others only compare theirs, so two pods whose clocks differ never alternate.
 * - A new offset is recorded only if it differs by more than 100 ms, because each reading differs a little.
 * - Each record holds the monotonic clock, from which the store's clock continues after a restart.
 * - The last 100 records are kept, because each instant is shown by the offset of its own time.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { PodRef, PodView } from '../../contract.js';
import type { Instant, RecordedOffset } from './store-clock.js';
import { ADD_OFFSET, FORGET_OFFSETS, NEWEST_OFFSET, OFFSETS, SET_MOVED } from './statements.js';
import { WallTimeConversion, type OffsetRow } from './wall-time-conversion.js';

/** Most that the wall clock may differ from the recorded one, in ms. */
const TOLERANCE_MS = 100;
const KEPT = 100;
/** Greatest age of what {@link WallClockOffsets.recentTimes} returns. */
const RECENT_MS = 1_000;
/** A pod that has missed this many heartbeats no longer records the wall clock. */
const MISSED_BEATS = 3;

/** Waiting steps up to this instant and row have been moved to the newest offset. */
export interface Moved {
  readonly wallMs: number;
  readonly row: number;
}

type NewestRow = readonly [
  since: number,
  offsetMs: number,
  hostMs: number,
  boot: string,
  movedWall: number | null,
  movedRow: number | null,
];

/** Until there is a record: next to pods of schema version 1, steps are submitted before anything is recorded. */
const NO_RECORD: NewestRow = [0, 0, 0, '', null, null];

export class WallClockOffsets {
  readonly #newest: Statement<[], NewestRow>;
  readonly #offsets: Statement<[], OffsetRow>;
  readonly #add: Statement;
  readonly #forget: Statement<[number]>;
  readonly #setMoved: Statement<[number | null, number | null, number]>;
  #times: { readonly readAt: number; readonly times: WallTimeConversion } | undefined;

  constructor(connection: Database) {
    this.#newest = connection.prepare<[], NewestRow>(NEWEST_OFFSET).raw();
    this.#offsets = connection.prepare<[], OffsetRow>(OFFSETS).raw();
    this.#add = connection.prepare(ADD_OFFSET);
    this.#forget = connection.prepare<[number]>(FORGET_OFFSETS);
    this.#setMoved = connection.prepare<[number | null, number | null, number]>(SET_MOVED);
  }

  recorded(): RecordedOffset | undefined {
    const row = this.#newest.get();
    return row && { since: row[0], offsetMs: row[1], hostMs: row[2], boot: row[3] };
  }

  offsetMs(): number {
    return this.#newest.get()?.[1] ?? 0;
  }

  /** Converts instants of the store's clock to wall time, as of this transaction. */
  times(): WallTimeConversion {
    return new WallTimeConversion(this.#offsets.all());
  }

  /** The same, at most a second old: for the hot path. */
  recentTimes(now: number): WallTimeConversion {
    const known = this.#times;
    if (known !== undefined && now - known.readAt < RECENT_MS) return known.times;
    const times = this.times();
    this.#times = { readAt: now, times };
    return times;
  }

  /** By how much this process's wall clock is ahead of the recorded one; 0 if it could not be read. */
  aheadMs({ now, wallMs }: Instant): number {
    return wallMs === null ? 0 : wallMs - now - this.offsetMs();
  }

  /** Whether {@link follow} would record anything. */
  wouldFollow(instant: Instant): boolean {
    const recorded = this.recorded();
    if (recorded?.boot !== instant.boot) return true;
    return Math.abs(this.aheadMs(instant)) > TOLERANCE_MS;
  }

  /**
   * Records this process's wall clock if it has moved; call it within a transaction.
   *
   * @param by who records it; for people who read the table
   * @returns by how much the recorded wall clock was set forward, in ms; 0 if it agreed
   */
  follow(instant: Instant, by: string): number {
    if (!this.wouldFollow(instant)) return 0;
    const before = this.#newest.get();
    const ahead = this.aheadMs(instant);
    const correctionMs = before !== undefined && Math.abs(ahead) <= TOLERANCE_MS ? 0 : ahead;
    const offsetMs = (before?.[1] ?? 0) + correctionMs;
    const moved = movedSoFar(instant.now, before, offsetMs);
    this.#add.run(instant.now, offsetMs, instant.hostMs, instant.boot, by, moved?.wallMs ?? null, moved?.row ?? null);
    this.#forget.run(KEPT);
    this.#times = undefined;
    return correctionMs;
  }

  /** How far waiting steps have been moved to the newest offset; `undefined` if all have been. */
  moved(): Moved | undefined {
    const row = this.#newest.get();
    return row === undefined || row[4] === null ? undefined : { wallMs: row[4], row: row[5] ?? 0 };
  }

  setMoved(moved: Moved | undefined): void {
    const row = this.#newest.get();
    if (row !== undefined) this.#setMoved.run(moved?.wallMs ?? null, moved?.row ?? null, row[0]);
  }
}

/** Steps that are due under both offsets need not be moved. A move that has not ended is continued. */
function movedSoFar(now: number, before: NewestRow | undefined, offsetMs: number): Moved | undefined {
  const [, beforeMs, , , movedWall, movedRow] = before ?? NO_RECORD;
  const pending = movedWall === null ? undefined : { wallMs: movedWall, row: movedRow ?? 0 };
  if (Math.abs(offsetMs - beforeMs) <= TOLERANCE_MS) return pending;
  const from = { wallMs: now + Math.min(offsetMs, beforeMs) - TOLERANCE_MS, row: 0 };
  return pending === undefined || from.wallMs < pending.wallMs ? from : pending;
}

/** Whether this pod records the wall clock. @param pods the live pods, the oldest first */
export function keepsTime(pods: readonly PodView[], { incarnation }: PodRef): boolean {
  const recorder = pods.find(
    ({ asleep, silentForMs, heartbeatMs, deadAfterMs }) =>
      !asleep && silentForMs <= Math.min(deadAfterMs, MISSED_BEATS * heartbeatMs),
  );
  return recorder?.pod.incarnation === incarnation;
}

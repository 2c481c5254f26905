/**
 * The wall clock of a file: by how much it is ahead of the store's clock, now and at any earlier time.
 *
 * Invariants:
 * - One process says what the wall clock is: the eldest living pod, with each of its heartbeats. All others only compare
 *   theirs. While no pod lives it is the process that opens the file. So two pods whose clocks differ never take turns.
 * - An offset is recorded only when it has moved by more than `TOLERANCE_MS`; readings differ by a little each time.
 * - Each record holds the monotonic clock too, which is what the store's clock goes on from after a restart.
 * - Records are kept, up to `KEPT` of them: instants are shown by the offset of their own time.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { PodRef, PodView } from '../../contract.js';
import type { Instant, RecordedOffset } from './store-clock.js';
import { ADD_OFFSET, FORGET_OFFSETS, NEWEST_OFFSET, OFFSETS, SET_MOVED } from './statements.js';
import { WallTimeConversion, type OffsetRow } from './wall-time-conversion.js';

/** By so much the wall clock may differ from what is recorded, in ms. */
const TOLERANCE_MS = 100;
const KEPT = 100;
/** How old what {@link WallClockOffsets.recentTimes} answers may be. */
const RECENT_MS = 1_000;
/** A pod that has missed so many of its heartbeats does not keep the time any longer, dead or not. */
const MISSED_BEATS = 3;

/** Waiting steps with a wall instant up to here, by instant and row, have been moved to the newest offset. */
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

/** What counts until there is a record: beside pods of version 1 steps are submitted before anybody keeps the time. */
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

  /** How instants are shown, as of this transaction. */
  times(): WallTimeConversion {
    return new WallTimeConversion(this.#offsets.all());
  }

  /** The same, read a second ago at most: for the hot path. */
  recentTimes(now: number): WallTimeConversion {
    const known = this.#times;
    if (known !== undefined && now - known.readAt < RECENT_MS) return known.times;
    const times = this.times();
    this.#times = { readAt: now, times };
    return times;
  }

  /** By how much this process's wall clock is ahead of the recorded one; 0 where it could not be read. */
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
   * Records this process's wall clock, where it has moved; call it within a transaction.
   *
   * @param by who says it, for people who read the table
   * @returns by how much the recorded wall clock has been set forward, in ms; 0: it agreed
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

  /** How far waiting steps have been moved to the newest offset; `undefined`: all have been. */
  moved(): Moved | undefined {
    const row = this.#newest.get();
    return row === undefined || row[4] === null ? undefined : { wallMs: row[4], row: row[5] ?? 0 };
  }

  setMoved(moved: Moved | undefined): void {
    const row = this.#newest.get();
    if (row !== undefined) this.#setMoved.run(moved?.wallMs ?? null, moved?.row ?? null, row[0]);
  }
}

/** What has come due under the old offset and the new one need not be moved; nor is a move forgotten that had not ended. */
function movedSoFar(now: number, before: NewestRow | undefined, offsetMs: number): Moved | undefined {
  const [, beforeMs, , , movedWall, movedRow] = before ?? NO_RECORD;
  const pending = movedWall === null ? undefined : { wallMs: movedWall, row: movedRow ?? 0 };
  if (Math.abs(offsetMs - beforeMs) <= TOLERANCE_MS) return pending;
  const from = { wallMs: now + Math.min(offsetMs, beforeMs) - TOLERANCE_MS, row: 0 };
  return pending === undefined || from.wallMs < pending.wallMs ? from : pending;
}

/** Whether this pod says what the wall clock is. @param pods the living, the eldest first */
export function keepsTime(pods: readonly PodView[], { incarnation }: PodRef): boolean {
  const keeper = pods.find(
    ({ asleep, silentForMs, heartbeatMs, deadAfterMs }) =>
      !asleep && silentForMs <= Math.min(deadAfterMs, MISSED_BEATS * heartbeatMs),
  );
  return keeper?.pod.incarnation === incarnation;
}

/**
 * Timed steps: those that wait for an instant of the wall clock (`runAt`), and follow it when it is corrected.
 *
 * Such a step has its instant in `run_at_wall`. Its `run_at` is the same instant by the store's clock, as the offset of
 * the two clocks was when that was computed; everything else goes by `run_at` alone.
 *
 * Invariants:
 * - No timed step is claimed before its instant by the recorded wall clock: a claim compares the two there and then, and
 *   one that came too early waits again. So it does not matter how far a move has come.
 * - After a correction the steps that wait are moved in the order of their instants, in pieces of a few ms. How far that
 *   has come stands in the file, so any pod can go on with it.
 * - A step that is to wait for a delay instead, after a failed attempt or a release, is not timed any longer.
 */
import type { Database, Statement } from 'better-sqlite3';
import { MOVE_TIMED, TIMED_AFTER } from './statements.js';
import type { WallClockOffsets } from './wall-clock-offsets.js';

/** About 3 ms: two indexes hold the `run_at` of a step that waits. */
const PIECE_ROWS = 200;

/** How many steps a piece has looked at, and whether there are more. */
export interface MovedPiece {
  readonly rows: number;
  readonly more: boolean;
}

export class RunAtSteps {
  readonly #wall: WallClockOffsets;
  readonly #after: Statement<[number, number, number, number], readonly [row: number, runAtWall: number]>;
  readonly #move: Statement<[number, number, number, string]>;

  constructor(connection: Database, wall: WallClockOffsets) {
    this.#wall = wall;
    this.#after = connection.prepare<[number, number, number, number], readonly [number, number]>(TIMED_AFTER).raw();
    this.#move = connection.prepare<[number, number, number, string]>(MOVE_TIMED);
  }

  /** These wait until their instants; call it within a transaction. */
  putBack(now: number, rows: readonly number[]): void {
    const offsetMs = this.#wall.offsetMs();
    this.#move.run(offsetMs, now, offsetMs, JSON.stringify(rows));
  }

  /** Moves one piece to the newest offset; call it within a transaction. */
  move(now: number): MovedPiece {
    const moved = this.#wall.moved();
    if (moved === undefined) return { rows: 0, more: false };
    const piece = this.#after.all(moved.wallMs, moved.row, moved.wallMs, PIECE_ROWS);
    const rows = piece.map(([row]) => row);
    if (rows.length > 0) this.putBack(now, rows);
    const last = rows.length === PIECE_ROWS ? piece.at(-1) : undefined;
    this.#wall.setMoved(last && { wallMs: last[1], row: last[0] });
    return { rows: rows.length, more: last !== undefined };
  }
}

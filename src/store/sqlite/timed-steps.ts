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
import type { WallClock } from './wall-clock.js';

const PIECE_ROWS = 300;

export class TimedSteps {
  readonly #wall: WallClock;
  readonly #after: Statement<[number, number, number], readonly [row: number, runAtWall: number]>;
  readonly #move: Statement<[number, number, number, string]>;

  constructor(connection: Database, wall: WallClock) {
    this.#wall = wall;
    this.#after = connection.prepare<[number, number, number], readonly [number, number]>(TIMED_AFTER).raw();
    this.#move = connection.prepare<[number, number, number, string]>(MOVE_TIMED);
  }

  /** These wait until their instants; call it within a transaction. */
  putBack(now: number, rows: readonly number[]): void {
    const offsetMs = this.#wall.offsetMs();
    this.#move.run(offsetMs, now, offsetMs, JSON.stringify(rows));
  }

  /** Moves one piece to the newest offset; call it within a transaction. Answers whether there is more. */
  move(now: number): boolean {
    const moved = this.#wall.moved();
    if (moved === undefined) return false;
    const piece = this.#after.all(moved.wallMs, moved.row, PIECE_ROWS);
    const last = piece.at(-1);
    if (last !== undefined)
      this.putBack(
        now,
        piece.map(([row]) => row),
      );
    const more = piece.length === PIECE_ROWS && last !== undefined;
    this.#wall.setMoved(more ? { wallMs: last[1], row: last[0] } : undefined);
    return more;
  }
}

/**
 * Steps with a `runAt`: they wait for an instant of the wall clock, and follow it when it is corrected.
 *
 * The column `run_at_wall` holds that instant. `run_at` is the same instant by the store's clock, computed with the offset
 * of that time. Everything else uses `run_at` alone.
 *
 * Invariants:
 * - No such step is claimed before its instant. A claim compares it with the recorded wall clock, and a step that is too
 *   early waits again. So claims are right even if a correction has not reached all steps.
 * - After a correction, the waiting steps are moved in the order of their instants, in pieces of a few ms. The file records
 *   how far that is, so any pod can continue.
 * - After a failed attempt or a release, the step waits for a delay. It no longer follows the wall clock.
 */
import type { Database, Statement } from 'better-sqlite3';
import { MOVE_RUN_AT_STEPS, RUN_AT_STEPS_AFTER } from './statements.js';
import type { WallClockOffsets } from './wall-clock-offsets.js';

/** About 3 ms: two indexes hold the `run_at` of a waiting step. */
const PIECE_ROWS = 200;

/** The number of steps in a piece, and whether there are more. */
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
    this.#after = connection
      .prepare<[number, number, number, number], readonly [number, number]>(RUN_AT_STEPS_AFTER)
      .raw();
    this.#move = connection.prepare<[number, number, number, string]>(MOVE_RUN_AT_STEPS);
  }

  /** Makes these steps wait for their instants; call it within a transaction. */
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

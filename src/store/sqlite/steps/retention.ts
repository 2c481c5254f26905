/**
 * Deletes steps that ended long ago, and pods that left long ago, one small piece at a time.
 *
 * Invariants:
 * - A piece is at most 500 steps, 100 pods and about 10 ms. On a slow machine it still deletes some steps, if there are
 *   any.
 * - It walks the indexes from their oldest end, so the last piece reads no more of the history than the first.
 * - Each piece deletes pods too, so a long history of steps does not delay them. There is more as long as either is left.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { PruneReply } from '../../contract.js';
import { PRUNE_TYPES } from '../pods/statements.js';
import { PRUNE_PODS, PRUNE_STEPS } from './statements.js';

const PIECE_ROWS = 500;
const PIECE_MS = 10;
/** Rows that one statement deletes, between two checks of the time. */
const BITE = 20;
const PIECE_PODS = 100;
/** An incarnation is kept at least so long after its last heartbeat, so that no late statement revives it. */
const FORGET_PODS_MS = 3_600_000;

export class Retention {
  readonly #steps: Statement<[number, number]>;
  readonly #pods: Statement<[number, number]>;
  readonly #types: Statement<[]>;

  constructor(connection: Database) {
    this.#steps = connection.prepare<[number, number]>(PRUNE_STEPS);
    this.#pods = connection.prepare<[number, number]>(PRUNE_PODS);
    this.#types = connection.prepare<[]>(PRUNE_TYPES);
  }

  /** Deletes one piece; call it within a transaction. @param elapsedMs how long the piece has taken so far */
  prune(now: number, keepMs: number, elapsedMs: () => number): PruneReply {
    const pods = this.#pods.run(now - Math.max(keepMs, FORGET_PODS_MS), PIECE_PODS).changes;
    this.#types.run(); // few rows: those of live pods, and leftovers since the last prune
    for (let removed = 0; ;) {
      const bite = this.#steps.run(now - keepMs, BITE).changes;
      removed += bite;
      if (bite < BITE) return { removed, more: pods === PIECE_PODS };
      if (removed + BITE > PIECE_ROWS || elapsedMs() > PIECE_MS) return { removed, more: true };
    }
  }
}

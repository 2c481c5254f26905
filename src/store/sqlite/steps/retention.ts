/**
 * Removes what ended long ago, one small piece at a time.
 *
 * Invariants:
 * - A piece is at most 500 steps, 100 pods and about 10 ms. However slow the machine is, it removes some steps if there
 *   are any.
 * - It walks the indexes from their old ends, so the last piece looks at no more of the history than the first.
 * - Each piece takes pods too, so that a long history of steps does not keep them, and there is more as long as either is
 *   left.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { PruneReply } from '../../contract.js';
import { PRUNE_TYPES } from '../pods/statements.js';
import { PRUNE_PODS, PRUNE_STEPS } from './statements.js';

const PIECE_ROWS = 500;
const PIECE_MS = 10;
/** Rows between two looks at the time. */
const BITE = 20;
const PIECE_PODS = 100;
/** Incarnations are remembered at least so long after their last sign of life, so that nothing late revives one. */
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

  /** Removes one piece; call it within a transaction. @param elapsedMs how long the piece has taken so far */
  prune(now: number, keepMs: number, elapsedMs: () => number): PruneReply {
    const pods = this.#pods.run(now - Math.max(keepMs, FORGET_PODS_MS), PIECE_PODS).changes;
    this.#types.run(); // no more rows than living pods, and what was left behind since the last prune
    for (let removed = 0; ;) {
      const bite = this.#steps.run(now - keepMs, BITE).changes;
      removed += bite;
      if (bite < BITE) return { removed, more: pods === PIECE_PODS };
      if (removed + BITE > PIECE_ROWS || elapsedMs() > PIECE_MS) return { removed, more: true };
    }
  }
}

/**
 * Promotion: steps whose time has come become ready to be claimed.
 *
 * Invariants:
 * - Promotion is lazy. Each exchange promotes one piece, so a large backlog never holds up an exchange.
 * - A look at the next waiting step comes first. It costs a tenth of an UPDATE that finds nothing, and mostly nothing is due.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { ClaimRequest } from '../../contract.js';
import { NEXT_WAITING, PROMOTE } from './statements.js';

/** Most steps that one exchange promotes: about a millisecond. */
const PROMOTE_PIECE = 300;
/** Most waiting steps that are searched for one of a requested type. */
const LOOK_AHEAD = 50;

export class Promotion {
  readonly #promote: Statement<[number, number, number]>;
  readonly #nextWaiting: Statement<[number], readonly [runAt: number, type: string]>;

  constructor(connection: Database) {
    this.#promote = connection.prepare(PROMOTE);
    this.#nextWaiting = connection.prepare<[number], readonly [number, string]>(NEXT_WAITING).raw();
  }

  /** Whether any step waits to be promoted. */
  isDue(now: number): boolean {
    const head = this.#nextWaiting.get(1);
    return head !== undefined && head[0] <= now;
  }

  /** Makes one piece of the due steps ready; call it within a transaction. @returns whether there may be more */
  promote(now: number): boolean {
    return this.isDue(now) && this.#promote.run(now, now, PROMOTE_PIECE).changes === PROMOTE_PIECE;
  }

  /** In how many ms the next waiting step of these types is due, or may be; `null` if none is known. */
  nextDueInMs(now: number, request: ClaimRequest): number | null {
    const rows = this.#nextWaiting.all(LOOK_AHEAD);
    const next =
      rows.find(([, type]) => type === '' || (request.types.get(type) ?? 0) > 0) ??
      (rows.length === LOOK_AHEAD ? rows.at(-1) : undefined);
    return next === undefined ? null : Math.max(0, next[0] - now);
  }
}

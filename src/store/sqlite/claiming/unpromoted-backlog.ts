/**
 * Finds due steps that are not promoted yet.
 *
 * Invariants:
 * - The walk goes from the highest priority down, type by type. Steps that are not due cost one seek for each priority and
 *   type.
 * - The walk ends when enough steps are found, below the lowest priority of interest, or after 300 seeks.
 * - The result holds every due step of a priority above `above`, or more steps than can be taken. Of the priority `above`,
 *   some may be missing.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { ClaimRequest } from '../../contract.js';
import type { KeyRow } from '../row-mapping.js';
import { NEXT_WAITING_PRIORITY, NEXT_WAITING_TYPE, WALK_WAITING_KEYS } from './statements.js';
import { RequestedTypeList } from './requested-type-list.js';

/** The most types that are walked one by one. If more are requested, the walk goes over the types that are present. */
const FEW = 64;
/** Most seeks of one walk: 2 to 4 ms. */
export const MOST_SEEKS = 300;

export interface BacklogFound {
  readonly keys: readonly KeyRow[];
  /** All steps of a higher priority are known; of this priority, only some. */
  readonly above: number;
}

export interface BacklogQuery {
  /** The value that the column `due` will get. */
  readonly due: number;
  readonly request: ClaimRequest;
  readonly now: number;
  /** How many can be taken. */
  readonly room: number;
  /** Steps below this priority are of no interest. */
  readonly floor: number;
}

export class UnpromotedBacklog {
  readonly #nextPriority: Statement<[number, number], number>;
  readonly #nextType: Statement<[number, number, string], string>;
  readonly #walk: Statement<[number, number, string, number, number], KeyRow>;
  readonly #wanted = new RequestedTypeList();

  constructor(connection: Database) {
    this.#nextPriority = connection.prepare<[number, number], number>(NEXT_WAITING_PRIORITY).pluck();
    this.#nextType = connection.prepare<[number, number, string], string>(NEXT_WAITING_TYPE).pluck();
    this.#walk = connection.prepare<[number, number, string, number, number], KeyRow>(WALK_WAITING_KEYS).raw();
  }

  first({ due, request, now, room, floor }: BacklogQuery): BacklogFound {
    const keys: KeyRow[] = [];
    const ofType = new Map<string, number>();
    let found = 0;
    let seeks = 0;
    let priority = Infinity;
    while (found < room) {
      const next = this.#nextPriority.get(due, priority);
      if (next === undefined || next < floor) break;
      // JavaScript reads a priority beyond 2^53 as one that is not lower than the last. What is below it stays unknown.
      if (++seeks > MOST_SEEKS || next >= priority) return { keys, above: next };
      priority = next;
      for (const type of this.#types(due, priority, request)) {
        if (++seeks > MOST_SEEKS) return { keys, above: priority };
        const most = Math.min(request.types.get(type) ?? 0, room) - (ofType.get(type) ?? 0);
        if (most <= 0) continue;
        const of = this.#walk.all(due, priority, type, now, most);
        keys.push(...of);
        found += of.length;
        ofType.set(type, (ofType.get(type) ?? 0) + of.length);
      }
    }
    return { keys, above: -Infinity };
  }

  *#types(due: number, priority: number, request: ClaimRequest): Generator<string> {
    const wanted = this.#wanted.of(request);
    if (wanted.length <= FEW) {
      for (const [type] of wanted) yield type;
      return;
    }
    let type = this.#nextType.get(due, priority, '');
    for (; type !== undefined; type = this.#nextType.get(due, priority, type)) yield type;
  }
}

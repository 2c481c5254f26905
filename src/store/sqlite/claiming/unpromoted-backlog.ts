/**
 * The backlog: steps whose time has come, and which have not been promoted yet.
 *
 * Invariants:
 * - They are walked by priority, from the highest down, and within a priority type by type. What is not due yet costs one
 *   seek for each priority and type.
 * - The walk ends where enough was found, below what is wanted, or after a bounded number of seeks.
 * - Every due step of a priority above `above` is among the keys, or more than can be taken are. Of `above` itself some may
 *   be missing.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { ClaimRequest } from '../../contract.js';
import type { KeyRow } from '../row-mapping.js';
import { NEXT_WAITING_PRIORITY, NEXT_WAITING_TYPE, WALK_WAITING_KEYS } from './statements.js';
import { RequestedTypes } from './requested-types.js';

/** So few types are walked one by one; where more are wanted, those that are present are. */
const FEW = 64;
/** Most seeks of one walk: 2 to 4 ms. */
export const MOST_SEEKS = 300;

export interface BacklogFound {
  readonly keys: readonly KeyRow[];
  /** Everything of a higher priority than this is known; of this one only a part. */
  readonly above: number;
}

export interface BacklogQuery {
  /** What the column `due` will be. */
  readonly due: number;
  readonly request: ClaimRequest;
  readonly now: number;
  /** How many can be taken. */
  readonly room: number;
  /** Below this priority nothing is wanted. */
  readonly floor: number;
}

export class UnpromotedBacklog {
  readonly #nextPriority: Statement<[number, number], number>;
  readonly #nextType: Statement<[number, number, string], string>;
  readonly #walk: Statement<[number, number, string, number, number], KeyRow>;
  readonly #wanted = new RequestedTypes();

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
      // A priority beyond 2^53 is read as one that is not lower than the last: what is below it is not known.
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

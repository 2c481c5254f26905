/**
 * Which of the wanted types are worth a walk through the ready steps.
 *
 * Invariants: an exchange looks at a bounded number of types, however many are wanted and however many have ready steps.
 * Where either number is small, that is all of them. Where both are large, the wanted types take turns, and those that
 * ranked first before are looked at each time; `complete` says whether a whole round has been made.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { ClaimDemand } from '../contract.js';
import { NEXT_READY_TYPE } from './statements.js';
import { Wanted, type WantedType } from './wanted.js';

/** So few types are walked without a look at which have anything. */
const FEW = 64;
/** Most types that one exchange looks at. */
const MOST_TYPES = 500;

export interface TypesToWalk {
  readonly types: readonly WantedType[];
  /** Whether, with the exchanges before, every wanted type has been looked at. */
  readonly complete: boolean;
}

export class ReadyTypes {
  readonly #next: Statement<[number, string], string>;
  readonly #wanted = new Wanted();
  #turn = 0;
  #list: readonly WantedType[] = [];
  #ahead: readonly string[] = [];

  constructor(connection: Database) {
    this.#next = connection.prepare<[number, string], string>(NEXT_READY_TYPE).pluck();
  }

  /** @param due the part of the index that is asked about */
  of(due: number, demand: ClaimDemand): TypesToWalk {
    const list = this.#wanted.of(demand);
    if (list.length <= FEW) return { types: list, complete: true };
    if (list !== this.#list) [this.#list, this.#turn] = [list, 0];
    const present = this.#turn === 0 ? this.#present(due, demand, Math.min(list.length, MOST_TYPES)) : undefined;
    if (present !== undefined) return { types: present, complete: true };
    if (list.length <= MOST_TYPES) return { types: list, complete: true };
    return this.#nextTurn(demand);
  }

  /** These types ranked first: where the types take turns, they are looked at again the next time. */
  ranked(types: Iterable<string>): void {
    this.#ahead = [...new Set(types)];
  }

  /** The wanted types that have ready steps; `undefined`: finding them takes more than so many steps. */
  #present(due: number, { types }: ClaimDemand, most: number): WantedType[] | undefined {
    const found: WantedType[] = [];
    let type: string | undefined = '';
    for (let seeks = 0; seeks <= most; seeks++) {
      type = this.#next.get(due, type);
      if (type === undefined) return found;
      const limit = types.get(type) ?? 0;
      if (limit > 0) found.push([type, limit]);
    }
    return undefined;
  }

  #nextTurn({ types }: ClaimDemand): TypesToWalk {
    const from = this.#turn;
    const window = this.#list.slice(from, from + MOST_TYPES);
    const complete = from + MOST_TYPES >= this.#list.length;
    this.#turn = complete ? 0 : from + MOST_TYPES;
    const seen = new Set(window.map(([type]) => type));
    for (const type of this.#ahead) {
      const limit = types.get(type) ?? 0;
      if (limit > 0 && !seen.has(type)) window.push([type, limit]);
    }
    return { types: window, complete };
  }
}

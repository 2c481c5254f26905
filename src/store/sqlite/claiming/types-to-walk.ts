/**
 * Chooses the types that an exchange walks, if a pod requests very many.
 *
 * Invariants:
 * - An exchange walks at most 300 types, however many are requested and however many have ready steps.
 * - If one of the two numbers is small, the exchange walks every requested type that has ready steps.
 * - If both are large, the types with ready steps take turns in the order of their names. A request that changes between
 *   two turns does not cost any type its turn.
 * - Types that ranked first in the last turn are walked in each turn.
 * - A turn ends when `endTurn` is called, not when it is read.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { ClaimRequest } from '../../contract.js';
import { NEXT_READY_TYPES } from './statements.js';
import { RequestedTypeList, type RequestedType } from './requested-type-list.js';

/** The most types that are walked without asking which have ready steps. */
const FEW = 64;
/** Most types that one exchange walks: 2 to 3 ms. */
const MOST_TYPES = 300;
/** Most types with ready steps that one exchange seeks, requested or not: a millisecond. */
const MOST_SEEKS = 2_000;
/** Seeks of one query: mostly an exchange needs no more. */
const SEEKS = 300;

export interface TypesToWalk {
  readonly types: readonly RequestedType[];
  /** Whether these are all types with ready steps, and no earlier turn of this round has found any. */
  readonly complete: boolean;
}

/** A range of the types that have ready steps, by name. */
interface Turn {
  readonly wanted: RequestedType[];
  /** The name after which the next turn begins; `''` if this was the last. */
  readonly next: string;
}

export class TypeRotation {
  readonly #next: Statement<[number, string, number, number], string>;
  readonly #wanted = new RequestedTypeList();
  #after = '';
  #turn: Turn | undefined;
  /** A turn of this round has found a ready step. */
  #found = false;
  #ranked: readonly string[] = [];

  constructor(connection: Database) {
    this.#next = connection.prepare<[number, string, number, number], string>(NEXT_READY_TYPES).pluck();
  }

  /** The types of this turn. @param due the part of the index */
  of(due: number, request: ClaimRequest): TypesToWalk {
    const { size } = request.types;
    if (size <= FEW) return this.#all(request);
    if (size <= MOST_TYPES) {
      const { wanted, next } = this.#stretch(due, request, '', size);
      return next === '' ? { types: wanted, complete: true } : this.#all(request);
    }
    const turn = this.#stretch(due, request, this.#after, MOST_SEEKS);
    this.#turn = turn;
    const complete = turn.next === '' && !this.#found;
    return { types: this.#after === '' && complete ? turn.wanted : this.#withRanked(turn.wanted, request), complete };
  }

  /** Ends this turn. @param found whether any of its types had a ready step */
  endTurn(found: boolean): void {
    if (this.#turn === undefined) return;
    this.#after = this.#turn.next;
    this.#found = this.#after !== '' && (this.#found || found);
    this.#turn = undefined;
  }

  /** These types ranked first: if the types take turns, the next turn walks them again. */
  ranked(types: Iterable<string>): void {
    this.#ranked = [...new Set(types)];
  }

  #all(request: ClaimRequest): TypesToWalk {
    return { types: this.#wanted.of(request), complete: true };
  }

  /** The next requested types that have ready steps, within `most` seeks. */
  #stretch(due: number, { types }: ClaimRequest, after: string, most: number): Turn {
    const wanted: RequestedType[] = [];
    let last = after;
    for (let seeks = 0; seeks < most; seeks += SEEKS) {
      const present = this.#next.all(due, last, due, SEEKS);
      for (const type of present) {
        const limit = types.get(type) ?? 0;
        if (limit <= 0) continue;
        if (wanted.length === MOST_TYPES) return { wanted, next: wanted.at(-1)?.[0] ?? '' };
        wanted.push([type, limit]);
      }
      if (present.length < SEEKS) return { wanted, next: '' };
      last = present.at(-1) ?? '';
    }
    return { wanted, next: last };
  }

  #withRanked(wanted: readonly RequestedType[], { types }: ClaimRequest): readonly RequestedType[] {
    const all = new Map(wanted);
    for (const type of this.#ranked) {
      const most = types.get(type) ?? 0;
      if (most > 0) all.set(type, most);
    }
    return [...all];
  }
}

/**
 * Which of the wanted types are worth a walk through the ready steps.
 *
 * Invariants: an exchange looks at a bounded number of types, however many are wanted and however many have ready steps.
 * Where either number is small, that is all of them. Where both are large, the types that have ready steps take turns in
 * the order of their names, so a request that changes between two turns keeps none from its turn; those that ranked first
 * before are looked at each time. A turn is over when `looked` says so, not when it is read.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { ClaimRequest } from '../../contract.js';
import { NEXT_READY_TYPES } from './statements.js';
import { RequestedTypes, type RequestedType } from './requested-types.js';

/** So few types are walked without a look at which have anything. */
const FEW = 64;
/** Most types that one exchange walks: 2 to 3 ms. */
const MOST_TYPES = 300;
/** Most types with ready steps that one exchange goes through, wanted or not: a millisecond. */
const MOST_SEEKS = 2_000;
/** So many at a time, for mostly one exchange needs no more. */
const SEEKS = 300;

export interface TypesToWalk {
  readonly types: readonly RequestedType[];
  /** Whether nothing else is ready, unless this turn or one before has found something. */
  readonly complete: boolean;
}

/** A stretch of the types that have ready steps, by name. */
interface Turn {
  readonly wanted: RequestedType[];
  /** Where the next one begins; `''`: this was the last. */
  readonly next: string;
}

export class TypeRotation {
  readonly #next: Statement<[number, string, number, number], string>;
  readonly #wanted = new RequestedTypes();
  #after = '';
  #turn: Turn | undefined;
  /** A turn of this round has found something. */
  #found = false;
  #ahead: readonly string[] = [];

  constructor(connection: Database) {
    this.#next = connection.prepare<[number, string, number, number], string>(NEXT_READY_TYPES).pluck();
  }

  /** The types of this turn. @param due the part of the index that is asked about */
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
    return { types: this.#after === '' && complete ? turn.wanted : this.#withAhead(turn.wanted, request), complete };
  }

  /** The types of this turn have been looked at: the next ones follow. @param found whether any had a ready step */
  looked(found: boolean): void {
    if (this.#turn === undefined) return;
    this.#after = this.#turn.next;
    this.#found = this.#after !== '' && (this.#found || found);
    this.#turn = undefined;
  }

  /** These types ranked first: where the types take turns, they are looked at again the next time. */
  ranked(types: Iterable<string>): void {
    this.#ahead = [...new Set(types)];
  }

  #all(request: ClaimRequest): TypesToWalk {
    return { types: this.#wanted.of(request), complete: true };
  }

  /** The next wanted types that have ready steps, as far as so many seeks lead. */
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

  #withAhead(wanted: readonly RequestedType[], { types }: ClaimRequest): readonly RequestedType[] {
    const all = new Map(wanted);
    for (const type of this.#ahead) {
      const most = types.get(type) ?? 0;
      if (most > 0) all.set(type, most);
    }
    return [...all];
  }
}

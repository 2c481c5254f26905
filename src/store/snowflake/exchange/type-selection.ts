/**
 * Selects the step types that an exchange asks for. If all types fit one bind, all are selected. If not, they take turns.
 *
 * Invariants:
 * - The selected types fit beside the settlements of one bind, and are few enough that no peer takes the list for invalid.
 * - `complete` is set when all types have had their turn.
 */
import type { ClaimRequest } from '../../contract.js';

/** Well below the longest list that the statement accepts. */
const MOST_TYPES = 5_000;
/** The limit of the JSON that names them. */
export const MOST_TYPES_BYTES = 300_000;
/** The JSON around the name of a type. */
const AROUND = 32;

export interface TypeSelection {
  readonly types: ClaimRequest['types'];
  /** Together with the exchanges before, all types had their turn. */
  readonly complete: boolean;
}

export class TypeSelector {
  #wanted: ClaimRequest['types'] | undefined;
  #list: readonly (readonly [type: string, most: number])[] = [];
  /** How far the list has been walked. */
  #at = 0;
  /** The types that had their turn in this round. By name, so that a limit that changes in between moves nothing. */
  readonly #served = new Set<string>();
  /** All types, if they fit. */
  #whole: TypeSelection | undefined;

  /** The next turn. Call it only for an exchange that claims: each call moves on. */
  next(wanted: ClaimRequest['types']): TypeSelection {
    if (wanted !== this.#wanted) {
      this.#wanted = wanted;
      this.#list = [...wanted].filter(([, most]) => most > 0);
      this.#whole = undefined;
      this.#at = 0;
    }
    if (this.#whole !== undefined) return this.#whole;
    let types = this.#turn();
    if (types.size === 0 && this.#list.length > 0) {
      // All that are still wanted had their turn in this round: the next one begins.
      this.#served.clear();
      types = this.#turn();
    }
    const complete = this.#at === 0;
    if (complete && types.size === this.#list.length) this.#whole = { types, complete };
    return { types, complete };
  }

  /** The next types that fit. At the end of the list the round is over. */
  #turn(): Map<string, number> {
    const types = new Map<string, number>();
    let bytes = 0;
    for (; this.#at < this.#list.length; this.#at++) {
      const next = this.#list[this.#at];
      if (next === undefined || this.#served.has(next[0])) continue;
      bytes += Buffer.byteLength(JSON.stringify(next[0])) + AROUND;
      if (types.size === MOST_TYPES || (bytes > MOST_TYPES_BYTES && types.size > 0)) break;
      types.set(...next);
    }
    if (this.#at < this.#list.length) {
      for (const type of types.keys()) this.#served.add(type);
      return types;
    }
    this.#at = 0;
    if (types.size > 0) this.#served.clear();
    return types;
  }
}

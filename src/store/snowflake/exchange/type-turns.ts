/**
 * Which of the wanted types travel with an exchange.
 *
 * Invariants: what travels fits beside the settlements of one bind, and is no list that a peer would take for nonsense.
 * Where all types fit, all of them travel. Where they do not, they take turns, and `complete` says that a round is over.
 */
import type { ClaimDemand } from '../../contract.js';

/** Well below what the statement takes for a list. */
const MOST_TYPES = 5_000;
/** Of the JSON that names them. */
export const MOST_TYPES_BYTES = 300_000;
/** What stands around a type's name. */
const AROUND = 32;

export interface TypesOfTurn {
  readonly types: ClaimDemand['types'];
  /** With the exchanges before, all types had their turn. */
  readonly complete: boolean;
}

export class TypeTurns {
  #wanted: ClaimDemand['types'] | undefined;
  #list: readonly (readonly [type: string, most: number])[] = [];
  #from = 0;
  /** All of them, where they fit. */
  #whole: TypesOfTurn | undefined;

  next(wanted: ClaimDemand['types'] = new Map()): TypesOfTurn {
    if (wanted !== this.#wanted) {
      this.#wanted = wanted;
      this.#list = [...wanted].filter(([, most]) => most > 0);
      this.#whole = undefined;
      if (this.#from >= this.#list.length) this.#from = 0;
    }
    if (this.#whole !== undefined) return this.#whole;
    const types = new Map<string, number>();
    const from = this.#from;
    let bytes = 0;
    let at = this.#from;
    for (; at < this.#list.length && types.size < MOST_TYPES; at++) {
      const next = this.#list[at];
      if (next === undefined) break;
      bytes += Buffer.byteLength(JSON.stringify(next[0])) + AROUND;
      if (bytes > MOST_TYPES_BYTES && types.size > 0) break;
      types.set(...next);
    }
    const complete = at >= this.#list.length;
    this.#from = complete ? 0 : at;
    if (from === 0 && complete) this.#whole = { types, complete };
    return { types, complete };
  }
}

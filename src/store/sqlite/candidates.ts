/** Candidates: the ready steps of the wanted types, by rank. */
import type { Database, Statement } from 'better-sqlite3';
import type { ClaimDemand } from '../contract.js';
import { byRank, type CandidateRow, type KeyRow } from './rows.js';
import { ANY_POISON, WALK, WALK_KEYS } from './statements.js';

/** Most ranks that are read at first, over all types together. */
const FIRST_RANKS = 1_000;

/** Values of the column `due`. */
const READY = 1;
const POISON = 2;

export class Candidates {
  readonly #walk: Statement<[number, string, number], CandidateRow>;
  readonly #walkKeys: Statement<[number, string, number], KeyRow>;
  readonly #anyPoison: Statement<[]>;

  constructor(connection: Database) {
    this.#walk = connection.prepare<[number, string, number], CandidateRow>(WALK).raw();
    this.#walkKeys = connection.prepare<[number, string, number], KeyRow>(WALK_KEYS).raw();
    this.#anyPoison = connection.prepare<[]>(ANY_POISON);
  }

  /** Whether anything is ready that this demand might take. */
  any({ types, quarantine }: ClaimDemand): boolean {
    const ready = (due: number): boolean =>
      Object.keys(types).some((type) => (types[type] ?? 0) > 0 && this.#walkKeys.get(due, type, 1) !== undefined);
    return ready(READY) || (quarantine === 1 && this.#anyPoison.get() !== undefined && ready(POISON));
  }

  /**
   * At least the first `room` that the demand may take, by rank, and one more if there are more; of what crashed two
   * pods or more only the very first. Whole rows where reading them costs nothing more, else what ranks them.
   */
  of({ types, quarantine }: ClaimDemand, room: number): readonly (KeyRow | CandidateRow)[] {
    const wanted = Object.entries(types).filter(([, limit]) => limit > 0);
    const [only] = wanted;
    const ready =
      wanted.length === 1 && only !== undefined
        ? this.#walk.all(READY, only[0], Math.min(only[1], room) + 1)
        : this.#merged(wanted, room);
    const poison = quarantine === 1 ? this.#firstPoison(wanted) : undefined;
    return poison === undefined ? ready : [...ready, poison].sort(byRank);
  }

  /**
   * The first of all types. Each is walked a little way, and all of them further only while one whose walk was cut
   * short may still hold something that ranks before what is taken.
   */
  #merged(wanted: readonly (readonly [string, number])[], room: number): readonly KeyRow[] {
    const enough = room + wanted.length; // of each type one may be read beyond its limit
    for (let depth = Math.max(4, Math.ceil(FIRST_RANKS / wanted.length)); ; depth *= 4) {
      const keys: KeyRow[] = [];
      let horizon: KeyRow | undefined;
      for (const [type, limit] of wanted) {
        const most = Math.min(limit, room) + 1;
        const found = this.#walkKeys.all(READY, type, Math.min(most, depth));
        const last = found.at(-1);
        const cut = found.length === depth && depth < most;
        if (cut && last !== undefined && (horizon === undefined || byRank(last, horizon) < 0)) horizon = last;
        keys.push(...found);
      }
      keys.sort(byRank);
      if (horizon === undefined) return keys;
      const known = keys.indexOf(horizon) + 1;
      if (known > enough) return keys.slice(0, known);
    }
  }

  #firstPoison(wanted: readonly (readonly [string, number])[]): KeyRow | undefined {
    if (this.#anyPoison.get() === undefined) return undefined;
    const firsts = wanted.flatMap(([type]) => this.#walkKeys.all(POISON, type, 1));
    return firsts.sort(byRank)[0];
  }
}

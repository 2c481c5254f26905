/**
 * Finds the due steps of the requested types, by rank.
 *
 * Invariants:
 * - If a due step of a requested type outranks a candidate, it is a candidate too, promoted or not.
 * - If a backlog has too many priorities and types for one walk, candidates that an unknown step might outrank are left
 *   out, and `blocked` is true.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { ClaimRequest } from '../../contract.js';
import { UnpromotedBacklog, type BacklogFound } from './unpromoted-backlog.js';
import { TypeRotation } from './types-to-walk.js';
import { byRank, type CandidateRow, type KeyRow } from '../row-mapping.js';
import { ANY_SUSPECT, WALK, WALK_KEYS } from './statements.js';
import type { RequestedType } from './requested-type-list.js';

/** Most rows that the first walks read, over all types together. */
const FIRST_RANKS = 1_000;

/** Values of the column `due`. */
const READY = 1;
const SUSPECT = 2;

/** No due step waits to be promoted. */
const NO_BACKLOG: BacklogFound = { keys: [], above: -Infinity };

export interface Found {
  /**
   * By rank: at least the first `room` steps that the request may take, and one more if there are more. Of the steps that
   * crashed two pods or more, only the first. Whole rows if they cost nothing more, else the ranking columns.
   */
  readonly keys: readonly (KeyRow | CandidateRow)[];
  /** Some were left out, because an unknown step might outrank them. */
  readonly blocked: boolean;
  /** Not all of the requested types have been looked at. */
  readonly partly: boolean;
}

export interface CandidateQuery {
  readonly request: ClaimRequest;
  readonly room: number;
  readonly now: number;
  /** Whether due steps may be left that are not promoted. */
  readonly backlog: boolean;
}

export class Candidates {
  readonly #walk: Statement<[number, string, number], CandidateRow>;
  readonly #walkKeys: Statement<[number, string, number], KeyRow>;
  readonly #anySuspect: Statement<[]>;
  readonly #readyTypes: TypeRotation;
  readonly #suspectTypes: TypeRotation;
  readonly #backlog: UnpromotedBacklog;

  constructor(connection: Database) {
    this.#walk = connection.prepare<[number, string, number], CandidateRow>(WALK).raw();
    this.#walkKeys = connection.prepare<[number, string, number], KeyRow>(WALK_KEYS).raw();
    this.#anySuspect = connection.prepare<[]>(ANY_SUSPECT);
    this.#readyTypes = new TypeRotation(connection);
    this.#suspectTypes = new TypeRotation(connection);
    this.#backlog = new UnpromotedBacklog(connection);
  }

  /** Whether anything is ready that this request may take; `perhaps` if not all of its types have been looked at. */
  any(request: ClaimRequest): boolean | 'perhaps' {
    const ready = this.#any(READY, this.#readyTypes, request);
    if (ready === true || request.quarantine === 0 || this.#anySuspect.get() === undefined) return ready;
    return this.#any(SUSPECT, this.#suspectTypes, request) || ready;
  }

  #any(due: number, readyTypes: TypeRotation, request: ClaimRequest): boolean | 'perhaps' {
    const { types, complete } = readyTypes.of(due, request);
    if (types.some(([type]) => this.#walkKeys.get(due, type, 1) !== undefined)) return true; // the turn stays, so that the claim finds it
    readyTypes.endTurn(false);
    return complete ? false : 'perhaps';
  }

  of(query: CandidateQuery): Found {
    const { request, room, backlog } = query;
    const { types, complete } = this.#readyTypes.of(READY, request);
    const ready = this.#ready(types, room);
    this.#readyTypes.endTurn(ready.length > 0);
    if (!complete) this.#readyTypes.ranked(ready.slice(0, room).map((key) => key[3]));
    const suspect = request.quarantine === 1 ? this.#firstSuspect(query) : undefined;
    if (!backlog && suspect === undefined) return { keys: ready, blocked: false, partly: !complete };
    const waiting = backlog ? this.#waiting(query, ready) : NO_BACKLOG;
    const all = [...ready, ...waiting.keys, ...(suspect === undefined ? [] : [suspect])].sort(byRank);
    const keys = waiting.above === -Infinity ? all : all.filter((key) => key[1] > waiting.above);
    return { keys, blocked: keys.length < all.length, partly: !complete };
  }

  #ready(types: readonly RequestedType[], room: number): readonly (KeyRow | CandidateRow)[] {
    const [only] = types;
    return types.length === 1 && only !== undefined
      ? this.#walk.all(READY, only[0], Math.min(only[1], room) + 1)
      : this.#merged(types, room);
  }

  /**
   * The first of all types. Each walk begins short. All walks get longer as long as a walk that was cut short may hold a
   * step that outranks what is taken.
   */
  #merged(wanted: readonly RequestedType[], room: number): readonly KeyRow[] {
    const enough = room + wanted.length; // for each type, one row beyond its limit may be read
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

  /** The due steps that are not promoted, as far as they might be taken before the ready ones. */
  #waiting({ request, room, now }: CandidateQuery, ready: readonly (KeyRow | CandidateRow)[]): BacklogFound {
    const last = lastTaken(ready, request, room);
    return this.#backlog.first({ due: READY, request, now, room: room + 1, floor: last?.[1] ?? -Infinity });
  }

  #firstSuspect({ request, now, backlog }: CandidateQuery): KeyRow | undefined {
    const { types } = this.#anySuspect.get() === undefined ? { types: [] } : this.#suspectTypes.of(SUSPECT, request);
    const [ready] = types.flatMap(([type]) => this.#walkKeys.all(SUSPECT, type, 1)).sort(byRank);
    this.#suspectTypes.endTurn(ready !== undefined);
    if (!backlog) return ready;
    const floor = ready?.[1] ?? -Infinity;
    const { keys, above } = this.#backlog.first({ due: SUSPECT, request, now, room: 1, floor });
    const [first] = [...(ready === undefined ? [] : [ready]), ...keys].sort(byRank);
    return first !== undefined && first[1] > above ? first : undefined;
  }
}

/** The last key that fits into `room`, with each type within its limit; `undefined` if all of them fit. */
function lastTaken(
  keys: readonly (KeyRow | CandidateRow)[],
  { types }: ClaimRequest,
  room: number,
): KeyRow | CandidateRow | undefined {
  const ofType = new Map<string, number>();
  let taken = 0;
  for (const key of keys) {
    const count = (ofType.get(key[3]) ?? 0) + 1;
    if (count > (types.get(key[3]) ?? 0)) continue;
    ofType.set(key[3], count);
    if (++taken === room) return key;
  }
  return undefined;
}

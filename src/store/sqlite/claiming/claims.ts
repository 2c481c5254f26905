/**
 * Claims: who takes which steps, and who holds them.
 *
 * Invariants: a claim is one LIMITed index walk for each type, merged by rank; so neither history, nor what waits for its
 * time, nor types that nobody asked for slow it down. Promotion is lazy, one piece for each exchange: where it has more to
 * do, the walks through what is due and not promoted join in, so that a backlog never hides a step from its turn. Steps
 * that crashed two pods or more stand in a part of each index of their own: they can be reached past any number of
 * others, and never stand in front of them.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { Claim, ClaimRequest, Fence, Orphan, PodRef } from '../../contract.js';
import { Candidates } from './candidates.js';
import { isCountable, isVersion, type RowRepair } from '../steps/row-repair.js';
import { claimOf, orphanOf, type CandidateRow, type OrphanRow } from '../row-mapping.js';
import { CANDIDATE_AT, CLAIM, CLAIMED_UNDER, DATE_ROW, HELD_BY, NEXT_WAITING, ORPHANS, PROMOTE } from './statements.js';
import type { RunAtSteps } from '../clock/run-at-steps.js';
import type { WallClockOffsets } from '../clock/wall-clock-offsets.js';

/** Most steps that one exchange promotes: about a millisecond. */
const PROMOTE_PIECE = 300;
/** Most waiting steps that are looked through for one of a wanted type. */
const LOOK_AHEAD = 50;

type HeldRow = readonly [stepId: string, token: string, version: number];

export interface Taken {
  readonly claims: Claim[];
  /** Whether due steps of the wanted types were left, or may have been. */
  readonly left: boolean;
  /** Some of what is due was not taken, because what outranks it is known only once more has been promoted. */
  readonly blocked: boolean;
}

export class Claims {
  readonly #wall: WallClockOffsets;
  readonly #timed: RunAtSteps;
  readonly #repairs: RowRepair;
  readonly #candidates: Candidates;
  readonly #candidateAt: Statement<[number], CandidateRow>;
  readonly #claim: Statement;
  readonly #date: Statement<[number, number]>;
  readonly #promote: Statement<[number, number, number]>;
  readonly #nextWaiting: Statement<[number], readonly [runAt: number, type: string]>;
  readonly #claimedUnder: Statement<[string, string], CandidateRow>;
  readonly #heldBy: Statement<[string], HeldRow>;
  readonly #orphans: Statement<[number], OrphanRow>;

  constructor(connection: Database, wall: WallClockOffsets, timed: RunAtSteps, repairs: RowRepair) {
    this.#repairs = repairs;
    this.#wall = wall;
    this.#timed = timed;
    this.#candidates = new Candidates(connection);
    this.#candidateAt = connection.prepare<[number], CandidateRow>(CANDIDATE_AT).raw();
    this.#claim = connection.prepare(CLAIM);
    this.#date = connection.prepare<[number, number]>(DATE_ROW);
    this.#promote = connection.prepare(PROMOTE);
    this.#nextWaiting = connection.prepare<[number], readonly [number, string]>(NEXT_WAITING).raw();
    this.#claimedUnder = connection.prepare<[string, string], CandidateRow>(CLAIMED_UNDER).raw();
    this.#heldBy = connection.prepare<[string], HeldRow>(HELD_BY).raw();
    this.#orphans = connection.prepare<[number], OrphanRow>(ORPHANS).raw();
  }

  /** Makes steps ready whose time has come, one piece. Answers whether there may be more. */
  promote(now: number): boolean {
    // The look costs a tenth of an UPDATE that finds nothing, and mostly there is nothing.
    const head = this.#nextWaiting.get(1);
    if (head === undefined || head[0] > now) return false;
    return this.#promote.run(now, now, PROMOTE_PIECE).changes === PROMOTE_PIECE;
  }

  /** Whether anything is ready for this demand, or has come to its time; `perhaps`: of some types it is not known yet. */
  anythingFor(now: number, demand: ClaimRequest): boolean | 'perhaps' {
    const head = this.#nextWaiting.get(1);
    return (head !== undefined && head[0] <= now) || this.#candidates.any(demand);
  }

  /**
   * Claims by the demand, at most so many; call it within a transaction.
   *
   * @param backlog whether steps may be due that have not been promoted
   */
  take(now: number, pod: PodRef, demand: ClaimRequest, most: number, backlog: boolean): Taken {
    const room = Math.min(demand.free + demand.prefetch, most);
    const seats = new Seats(demand, room);
    const chosen: number[] = [];
    const early: number[] = [];
    let wallNow: number | undefined;
    const times = this.#wall.recentTimes(now);
    const { keys, blocked, partly } = this.#candidates.of({ demand, room, now, backlog });
    for (const key of keys) {
      if (!seats.mayHave(key[3])) continue;
      const found = key.length > 4 ? (key as CandidateRow) : this.#candidateAt.get(key[0]);
      const row = found === undefined || isClaimable(found) ? found : this.#repaired(found);
      if (row === undefined) continue;
      if (row[11] !== null && row[11] > (wallNow ??= now + this.#wall.offsetMs())) {
        early.push(row[0]);
        continue;
      }
      if (!seats.take(row[3], row[9])) continue;
      chosen.push(row[0]);
      seats.claims.push(claimOf(row[10] > 0 ? row : this.#dated(now, row), demand.token, 1, times));
    }
    if (early.length > 0) {
      this.#timed.putBack(now, early);
      seats.left = true; // what stood behind them has not been looked at
    }
    if (chosen.length > 0) {
      this.#claim.run(now, pod.podId, pod.incarnation, demand.token, JSON.stringify(chosen));
    }
    return { claims: seats.claims, left: seats.left || partly, blocked };
  }

  #repaired(row: CandidateRow): CandidateRow | undefined {
    this.#repairs.of([row[4]]);
    return this.#candidateAt.get(row[0]);
  }

  /** A row that was put in by hand has no time of creation until it is promoted. */
  #dated(now: number, row: CandidateRow): CandidateRow {
    this.#date.run(now, row[0]);
    return row.with(10, now) as unknown as CandidateRow;
  }

  /** After how many ms the next waiting step of these types is due, or when to look again; `null`: none is known. */
  nextDueInMs(now: number, demand: ClaimRequest): number | null {
    const rows = this.#nextWaiting.all(LOOK_AHEAD);
    const next =
      rows.find(([, type]) => type === '' || (demand.types.get(type) ?? 0) > 0) ??
      (rows.length === LOOK_AHEAD ? rows.at(-1) : undefined);
    return next === undefined ? null : Math.max(0, next[0] - now);
  }

  /** What this incarnation has claimed under a token. Call it within a transaction that writes, as {@link heldBy}. */
  under(token: string, incarnation: string): Claim[] {
    const times = this.#wall.times();
    const rows = (): CandidateRow[] => this.#claimedUnder.all(token, incarnation);
    return this.#countable(rows, isClaimable, 4).map((row) => claimOf(row, token, 0, times));
  }

  heldBy(incarnation: string): Fence[] {
    const rows = (): HeldRow[] => this.#heldBy.all(incarnation);
    const held = this.#countable(rows, ([, , version]) => isVersion(version), 0);
    return held.map(([stepId, claimToken, version]) => ({ stepId, claimToken, version }));
  }

  /** Claims without a living holder, the longest held first. `undefined`: some must be repaired before. */
  orphans(limit: number): Orphan[] | undefined {
    const times = this.#wall.times();
    const rows = this.#orphans.all(limit);
    return rows.every(isClaimable) ? rows.map((row) => orphanOf(row, times)) : undefined;
  }

  /** Call it within a transaction that writes. */
  repairOrphans(limit: number): void {
    this.#repairs.of(this.#orphans.all(limit).map((row) => row[4]));
  }

  /** Rows, read again if some of them had to be repaired. @param id where the step's id stands in a row */
  #countable<R extends readonly unknown[]>(read: () => R[], isFine: (row: R) => boolean, id: number): R[] {
    const rows = read();
    if (rows.every(isFine)) return rows;
    this.#repairs.of(rows.map((row) => String(row[id])));
    return read();
  }
}

/** Whether the numbers of a row can be counted with. */
function isClaimable(row: readonly [...CandidateRow, ...unknown[]]): boolean {
  return isCountable(row[5], row[7], row[8], row[9]);
}

/** Who may sit where: the free slots first, then what is held ahead. */
class Seats {
  readonly claims: Claim[] = [];
  left = false;
  readonly #limits: ClaimRequest['types'];
  readonly #ofType = new Map<string, number>();
  #room: number;
  #free: number;

  constructor({ free, types }: ClaimRequest, room: number) {
    this.#limits = types;
    this.#room = room;
    this.#free = Math.min(free, room);
  }

  mayHave(type: string): boolean {
    const may = this.#room > 0 && (this.#ofType.get(type) ?? 0) < (this.#limits.get(type) ?? 0);
    if (!may) this.left = true;
    return may;
  }

  /** What crashed a pod takes a free slot or none. Of what crashed two there is at most one among the candidates. */
  take(type: string, crashes: number): boolean {
    if (crashes > 0 && this.#free === 0) {
      this.left = true;
      return false;
    }
    if (this.#free > 0) this.#free--;
    this.#room--;
    this.#ofType.set(type, (this.#ofType.get(type) ?? 0) + 1);
    return true;
  }
}

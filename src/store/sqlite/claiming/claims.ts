/**
 * Claims steps for a pod.
 *
 * Invariants:
 * - A claim is one index walk with a LIMIT for each type, merged by rank. Neither the history, nor steps that wait for
 *   their time, nor types that nobody requests slow it down.
 * - If promotion has not caught up, the walk includes due steps that are not promoted. So a backlog never delays a step
 *   beyond its rank.
 * - Steps that have crashed two pods or more have a part of each index of their own. They are reached past any number of
 *   other steps, and never block those.
 * - No step with a `runAt` is claimed before that instant of the recorded wall clock.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { ClaimRequest, FreshClaim, PodRef } from '../../contract.js';
import type { RunAtSteps } from '../clock/run-at-steps.js';
import type { WallClockOffsets } from '../clock/wall-clock-offsets.js';
import { claimOf, type CandidateRow } from '../row-mapping.js';
import { isClaimable, type RowRepair } from '../steps/row-repair.js';
import { Candidates } from './candidates.js';
import { ClaimQuota } from './claim-quota.js';
import { CANDIDATE_AT, CLAIM, DATE_ROW } from './statements.js';

export interface Taken {
  readonly claims: FreshClaim[];
  /** Whether due steps of the requested types were left, or may have been. */
  readonly left: boolean;
  /** Due steps were left out, because steps that are not promoted yet may outrank them. */
  readonly blocked: boolean;
}

export class Claims {
  readonly #wall: WallClockOffsets;
  readonly #runAtSteps: RunAtSteps;
  readonly #repair: RowRepair;
  readonly #candidates: Candidates;
  readonly #candidateAt: Statement<[number], CandidateRow>;
  readonly #claim: Statement;
  readonly #date: Statement<[number, number]>;

  constructor(connection: Database, wall: WallClockOffsets, runAtSteps: RunAtSteps, repair: RowRepair) {
    this.#wall = wall;
    this.#runAtSteps = runAtSteps;
    this.#repair = repair;
    this.#candidates = new Candidates(connection);
    this.#candidateAt = connection.prepare<[number], CandidateRow>(CANDIDATE_AT).raw();
    this.#claim = connection.prepare(CLAIM);
    this.#date = connection.prepare<[number, number]>(DATE_ROW);
  }

  /** Whether anything is ready for this request; `perhaps` if not all of its types have been looked at. */
  anythingReady(request: ClaimRequest): boolean | 'perhaps' {
    return this.#candidates.any(request);
  }

  /**
   * Claims at most `most` steps; call it within a transaction.
   *
   * @param backlog whether due steps may be left that are not promoted
   */
  take(now: number, pod: PodRef, request: ClaimRequest, most: number, backlog: boolean): Taken {
    const room = Math.min(request.free + request.prefetch, most);
    const quota = new ClaimQuota(request, room);
    const claims: FreshClaim[] = [];
    const chosen: number[] = [];
    const early: number[] = [];
    let wallNow: number | undefined;
    const times = this.#wall.recentTimes(now);
    const { keys, blocked, partly } = this.#candidates.of({ request, room, now, backlog });
    for (const key of keys) {
      if (!quota.allows(key[3])) continue;
      const found = key.length > 4 ? (key as CandidateRow) : this.#candidateAt.get(key[0]);
      const row = found === undefined || isClaimable(found) ? found : this.#repaired(found);
      if (row === undefined) continue;
      if (row[11] !== null && row[11] > (wallNow ??= now + this.#wall.offsetMs())) {
        early.push(row[0]);
        continue;
      }
      if (!quota.take(row[3], row[9])) continue;
      chosen.push(row[0]);
      claims.push(claimOf(row[10] > 0 ? row : this.#dated(now, row), request.token, 1, now, times));
    }
    if (early.length > 0) {
      this.#runAtSteps.putBack(now, early);
      quota.leaveOut(); // the steps behind them have not been looked at
    }
    if (chosen.length > 0) {
      this.#claim.run(now, pod.podId, pod.incarnation, request.token, JSON.stringify(chosen));
    }
    return { claims, left: quota.left || partly, blocked };
  }

  #repaired(row: CandidateRow): CandidateRow | undefined {
    this.#repair.of([row[4]]);
    return this.#candidateAt.get(row[0]);
  }

  /** A row that SQL inserted has no time of creation until it is promoted. */
  #dated(now: number, row: CandidateRow): CandidateRow {
    this.#date.run(now, row[0]);
    return row.with(10, now) as unknown as CandidateRow;
  }
}

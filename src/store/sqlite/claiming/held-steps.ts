/**
 * Finds claimed steps: those of a token, those of an incarnation, and orphans.
 *
 * Invariants:
 * - Claimed steps have a small index of their own, so a scan of all of them is cheap.
 * - A row whose numbers are out of range (somebody's SQL wrote them) is repaired before it is returned.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { Fence, FreshClaim, Orphan } from '../../contract.js';
import type { WallClockOffsets } from '../clock/wall-clock-offsets.js';
import { claimOf, orphanOf, type CandidateRow, type OrphanRow } from '../row-mapping.js';
import { isClaimable, isVersion, type RowRepair } from '../steps/row-repair.js';
import { CLAIMED_UNDER, HELD_BY, ORPHANS } from './statements.js';

type HeldRow = readonly [stepId: string, token: string, version: number];

export class HeldSteps {
  readonly #wall: WallClockOffsets;
  readonly #repair: RowRepair;
  readonly #claimedUnder: Statement<[string, string], CandidateRow>;
  readonly #heldBy: Statement<[string], HeldRow>;
  readonly #orphans: Statement<[number], OrphanRow>;

  constructor(connection: Database, wall: WallClockOffsets, repair: RowRepair) {
    this.#wall = wall;
    this.#repair = repair;
    this.#claimedUnder = connection.prepare<[string, string], CandidateRow>(CLAIMED_UNDER).raw();
    this.#heldBy = connection.prepare<[string], HeldRow>(HELD_BY).raw();
    this.#orphans = connection.prepare<[number], OrphanRow>(ORPHANS).raw();
  }

  /** The claims of an incarnation under a token. Call it within a transaction that writes, as {@link heldBy}. */
  under(now: number, token: string, incarnation: string): FreshClaim[] {
    const times = this.#wall.times();
    const rows = (): CandidateRow[] => this.#claimedUnder.all(token, incarnation);
    return this.#repaired(rows, isClaimable, 4).map((row) => claimOf(row, token, 0, now, times));
  }

  /** Every claim of an incarnation. */
  heldBy(incarnation: string): Fence[] {
    const rows = (): HeldRow[] => this.#heldBy.all(incarnation);
    const held = this.#repaired(rows, ([, , version]) => isVersion(version), 0);
    return held.map(([stepId, claimToken, version]) => ({ stepId, claimToken, version }));
  }

  /** Claims without a live holder, the longest held first. `undefined`: call {@link repairOrphans} first. */
  orphans(limit: number): Orphan[] | undefined {
    const times = this.#wall.times();
    const rows = this.#orphans.all(limit);
    return rows.every(isClaimable) ? rows.map((row) => orphanOf(row, times)) : undefined;
  }

  /** Call it within a transaction that writes. */
  repairOrphans(limit: number): void {
    this.#repair.of(this.#orphans.all(limit).map((row) => row[4]));
  }

  /** Rows, read again if some had to be repaired. @param id the position of the step's id in a row */
  #repaired<R extends readonly unknown[]>(read: () => R[], isFine: (row: R) => boolean, id: number): R[] {
    const rows = read();
    if (rows.every(isFine)) return rows;
    this.#repair.of(rows.map((row) => String(row[id])));
    return read();
  }
}

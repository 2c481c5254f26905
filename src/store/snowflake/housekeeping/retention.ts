/**
 * Moves ended steps from the hot table to the archive, and deletes archived steps past their retention.
 *
 * Invariants:
 * - One SELECT counts the chores first. Only the statements that have something to do are sent, in chunks.
 * - A terminal step stays in the hot table for longer than any statement about it can be running.
 * - Invalid rows are left alone, and reported.
 */
import type { Log } from '../../../log.js';
import type { PruneReply } from '../../contract.js';
import { REQUEST_WINDOW_MS } from '../exchange/request-bind.js';
import type { HousekeepingStatements } from './statements.js';
import { number, text, written } from '../rows.js';
import type { StatementRunner } from '../session/session-interface.js';

/** How long a terminal step stays in the hot table: beyond the statement time-out and all retries of the driver. */
const HOT_MS = 900_000;
/** How long an incarnation is remembered after its last sign of life: longer than any INSERT can be running. */
const FORGET_MS = 3_600_000;
const CHUNK = 10_000;
/** A pod that sleeps wakes at each look interval. One that has missed so many is dead. */
const LOOKS_MISSED = 2;
/** Of pods whose interval is not known. */
const LONGEST_LOOK_INTERVAL_MS = 604_800_000;

export interface RetentionDependencies {
  readonly statements: HousekeepingStatements;
  readonly session: StatementRunner;
  readonly log: Log;
  /** How many steps one statement takes. Default 10,000: the cost of a statement hardly depends on it. */
  readonly chunk?: number;
  /** How often a pod that sleeps wakes to look, in ms. Default: a week. */
  readonly lookIntervalMs?: number | undefined;
}

export class Retention {
  readonly #dependencies: RetentionDependencies;
  #reported = '';

  constructor(dependencies: RetentionDependencies) {
    this.#dependencies = dependencies;
  }

  async prune(keepMs: number): Promise<PruneReply> {
    const { statements, chunk = CHUNK, lookIntervalMs = LONGEST_LOOK_INTERVAL_MS } = this.#dependencies;
    const bind = JSON.stringify({
      hotMs: HOT_MS,
      keepMs: Math.ceil(Math.max(keepMs, HOT_MS)),
      windowMs: 5 * REQUEST_WINDOW_MS,
      forgetMs: Math.ceil(Math.max(keepMs, FORGET_MS)),
      asleepMs: Math.ceil(Math.max(keepMs, FORGET_MS, LOOKS_MISSED * lookIntervalMs)),
    });
    let countOf = await this.#countChores(bind);
    this.#report(countOf('invalid steps'), countOf('invalid requests'));
    // The logs first: each heartbeat reads them, so they must not wait until a long history has been moved.
    // Other rows of an incarnation go before registrations here, so they go in a later cycle than their own registration.
    if (countOf('forgetUnregistered') > 0) await this.#delete(statements.forgetUnregistered, bind);
    if (countOf('forgetPods') > 0) await this.#delete(statements.forgetPods, bind);
    if (countOf('pruneHeartbeats') > 0) await this.#delete(statements.pruneHeartbeats, bind);
    if (countOf('pruneRequests') > 0) await this.#delete(statements.pruneRequests, bind);
    if (countOf('dedupe') > 0) await this.#delete(statements.dedupe, bind);
    let moved = 0;
    if (countOf('archive') > 0) {
      moved = await this.#archive(bind);
      countOf = await this.#countChores(bind);
    }
    const removed = countOf('pruneArchive') > 0 ? await this.#delete(statements.pruneArchive(chunk), bind) : 0;
    return { removed, more: removed >= chunk || (moved > 0 && countOf('archive') > 0) };
  }

  /** How many rows each chore would touch. */
  async #countChores(bind: string): Promise<(chore: string) => number> {
    const rows = await this.#dependencies.session.run(this.#dependencies.statements.chores, bind);
    const counts = new Map(rows.map((row) => [text(row, 'CHORE'), number(row, 'MANY')]));
    return (chore) => counts.get(chore) ?? 0;
  }

  /** Returns how many rows have left the hot table. */
  async #archive(bind: string): Promise<number> {
    const { statements, session, chunk = CHUNK } = this.#dependencies;
    await session.run(statements.archive(chunk), bind);
    return this.#delete(statements.unload, bind);
  }

  async #delete(statement: string, bind?: string): Promise<number> {
    const { session } = this.#dependencies;
    return written(await session.run(statement, bind), 'deleted');
  }

  /** Logged once for each change of their number. */
  #report(steps: number, requests: number): void {
    const counts = `${steps} ${requests}`;
    if (counts !== this.#reported && steps + requests > 0) {
      this.#dependencies.log.warn(
        { invalidSteps: steps, invalidRequests: requests },
        'invalid rows in STEP_TRACKER or EXCHANGE_REQUEST; they are skipped until somebody corrects or deletes them',
      );
    }
    this.#reported = counts;
  }
}

/**
 * Retention: what has ended leaves the hot table for the archive, what is past its time leaves the archive.
 *
 * Invariants:
 * - One SELECT comes first. After that only what there is to do is sent, in chunks.
 * - A terminal step stays in the hot table longer than any statement about it can be under way.
 * - Rows that do not make sense are left alone, and reported.
 */
import type { Log } from '../../../log.js';
import type { PruneReply } from '../../contract.js';
import { REQUEST_WINDOW_MS } from '../exchange/request-bind.js';
import type { HousekeepingStatements } from './statements.js';
import { number, text, written } from '../rows.js';
import type { StatementRunner } from '../session/statement-runner.js';

/** How long a terminal step stays hot: beyond the statement time-out and all of the driver's retries. */
const HOT_MS = 900_000;
/** How long an incarnation is remembered after its last sign: longer than any INSERT can be under way. */
const FORGET_MS = 3_600_000;
const CHUNK = 10_000;

export interface RetentionDependencies {
  readonly statements: HousekeepingStatements;
  readonly session: StatementRunner;
  readonly log: Log;
  /** Steps of one piece. Default 10,000: what a statement costs hardly depends on it. */
  readonly chunk?: number;
}

export class Retention {
  readonly #dependencies: RetentionDependencies;
  #odd = '';

  constructor(dependencies: RetentionDependencies) {
    this.#dependencies = dependencies;
  }

  async prune(keepMs: number): Promise<PruneReply> {
    const { statements, chunk = CHUNK } = this.#dependencies;
    const bind = JSON.stringify({
      hotMs: HOT_MS,
      keepMs: Math.ceil(Math.max(keepMs, HOT_MS)),
      windowMs: 5 * REQUEST_WINDOW_MS,
      forgetMs: Math.ceil(Math.max(keepMs, FORGET_MS)),
    });
    let many = await this.#look(bind);
    this.#report(many('odd steps'), many('odd requests'));
    // The logs first: they are read at each heartbeat, and must not wait for a long history to be moved.
    // Registrations go in a cycle of their own: what is left of them, in a later one.
    if (many('forgetSigns') > 0) await this.#delete(statements.forgetSigns, bind);
    if (many('forgetPods') > 0) await this.#delete(statements.forgetPods, bind);
    if (many('pruneSigns') > 0) await this.#delete(statements.pruneSigns, bind);
    if (many('pruneRequests') > 0) await this.#delete(statements.pruneRequests, bind);
    if (many('dedupe') > 0) await this.#delete(statements.dedupe, bind);
    let moved = 0;
    if (many('archive') > 0) {
      moved = await this.#archive(bind);
      many = await this.#look(bind);
    }
    const removed = many('pruneArchive') > 0 ? await this.#delete(statements.pruneArchive(chunk), bind) : 0;
    return { removed, more: removed >= chunk || (moved > 0 && many('archive') > 0) };
  }

  /** How much there is of each chore. */
  async #look(bind: string): Promise<(chore: string) => number> {
    const rows = await this.#dependencies.session.run(this.#dependencies.statements.chores, bind);
    const counts = new Map(rows.map((row) => [text(row, 'CHORE'), number(row, 'MANY')]));
    return (chore) => counts.get(chore) ?? 0;
  }

  /** Answers how many rows have left the hot table. */
  async #archive(bind: string): Promise<number> {
    const { statements, session, chunk = CHUNK } = this.#dependencies;
    await session.run(statements.archive(chunk), bind);
    return this.#delete(statements.unload, bind);
  }

  async #delete(statement: string, bind?: string): Promise<number> {
    const { session } = this.#dependencies;
    return written(await session.run(statement, bind), 'deleted');
  }

  /** Once for each change of their number. */
  #report(steps: number, requests: number): void {
    const odd = `${steps} ${requests}`;
    if (odd !== this.#odd && steps + requests > 0) {
      this.#dependencies.log.warn(
        { steps, requests },
        'rows that were written by hand are not understood, and skipped',
      );
    }
    this.#odd = odd;
  }
}

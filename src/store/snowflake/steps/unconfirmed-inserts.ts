/**
 * Runs INSERTs that leave out what is there already, so that one that is sent twice makes no second rows.
 *
 * Invariants: an INSERT whose answer did not come may have run, and a session that takes over does not see at once what the
 * one before it has written. So it is sent again only after the rows of its steps were written unchanged: then its session
 * sees them. What can still make a second row is a first try that is still running.
 */
import { DriverError, isSessionGone } from '../session/driver-error.js';
import type { Row, StatementRunner } from '../session/session.js';
import { refreshRows } from '../refresh-rows.js';

export interface UnconfirmedInsertsParts {
  readonly session: StatementRunner;
  /** {@link StepStatements.refresh} */
  readonly refresh: string;
}

/** Of so many steps it is remembered that an INSERT of theirs was sent and not answered. */
const MOST_REMEMBERED = 10_000;

export class UnconfirmedInserts {
  readonly #parts: UnconfirmedInsertsParts;
  /** Steps of which an INSERT may have run without an answer, the newest last. */
  readonly #unconfirmed = new Set<string>();

  constructor(parts: UnconfirmedInsertsParts) {
    this.#parts = parts;
  }

  /** @param steps those of the bind */
  async run(statement: string, bind: string, steps: readonly { readonly stepId: string }[]): Promise<Row[]> {
    const { session, refresh } = this.#parts;
    try {
      if (steps.some(({ stepId }) => this.#unconfirmed.has(stepId))) await refreshRows(session, refresh, steps);
      const rows = await session.run(statement, bind, { once: true });
      for (const { stepId } of steps) this.#unconfirmed.delete(stepId);
      return rows;
    } catch (error) {
      const isFirst = steps.some(({ stepId }) => !this.#unconfirmed.has(stepId));
      this.#remember(steps);
      if (isFirst && error instanceof DriverError && isSessionGone(error)) return this.run(statement, bind, steps);
      throw error;
    }
  }

  #remember(steps: readonly { readonly stepId: string }[]): void {
    for (const { stepId } of steps) this.#unconfirmed.add(stepId);
    for (const stepId of this.#unconfirmed) {
      if (this.#unconfirmed.size <= MOST_REMEMBERED) return;
      this.#unconfirmed.delete(stepId);
    }
  }
}

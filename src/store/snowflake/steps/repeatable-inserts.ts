/**
 * Runs INSERTs that skip rows which exist already, so that an INSERT that is sent twice makes no second rows.
 *
 * Invariant: an INSERT without an answer may have run, and a session that takes over does not see at once what the session
 * before it has written. So the INSERT is sent again only after the rows of its steps were refreshed. A second row can still
 * come from a first try that is still running.
 */
import { refreshRows } from '../refresh-rows.js';
import { DriverError, isSessionGone } from '../session/driver-error.js';
import type { Row, StatementRunner } from '../session/session-interface.js';

/** The most steps that are remembered as sent and not answered. */
const MOST_REMEMBERED = 10_000;

export class RepeatableInserts {
  readonly #session: StatementRunner;
  readonly #refresh: string;
  /** Steps of which an INSERT may have run without an answer, the newest last. */
  readonly #unconfirmed = new Set<string>();

  /** @param refresh {@link StepStatements.refresh} */
  constructor(session: StatementRunner, refresh: string) {
    this.#session = session;
    this.#refresh = refresh;
  }

  /** @param steps the steps of the bind */
  async run(statement: string, bind: string, steps: readonly { readonly stepId: string }[]): Promise<Row[]> {
    try {
      if (steps.some(({ stepId }) => this.#unconfirmed.has(stepId)))
        await refreshRows(this.#session, this.#refresh, steps);
      const rows = await this.#session.run(statement, bind, { once: true });
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

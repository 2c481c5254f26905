/**
 * Runs INSERTs that leave out what is there already, so that one that is sent twice makes no second rows.
 *
 * Invariants: an INSERT whose answer did not come may have run, and a session that takes over does not see at once what the
 * one before it has written. So it is sent again only after the rows of its steps were written unchanged: then its session
 * sees them. What can still make a second row is a first try that is still running.
 */
import { DriverError, isSessionGone } from '../session/driver-error.js';
import type { Row, Runner } from '../session/session.js';
import { touch } from '../shared/touch.js';

export interface InsertsParts {
  readonly session: Runner;
  /** {@link StepStatements.touch} */
  readonly touch: string;
}

/** Of so many steps it is remembered that an INSERT of theirs was sent and not answered. */
const MOST_DOUBTFUL = 10_000;

export class Inserts {
  readonly #parts: InsertsParts;
  /** Steps of which an INSERT may have run without an answer, the newest last. */
  readonly #doubtful = new Set<string>();

  constructor(parts: InsertsParts) {
    this.#parts = parts;
  }

  /** @param steps those of the bind */
  async run(statement: string, bind: string, steps: readonly { readonly stepId: string }[]): Promise<Row[]> {
    const { session, touch: touching } = this.#parts;
    try {
      if (steps.some(({ stepId }) => this.#doubtful.has(stepId))) await touch(session, touching, steps);
      const rows = await session.run(statement, bind, { once: true });
      for (const { stepId } of steps) this.#doubtful.delete(stepId);
      return rows;
    } catch (error) {
      const isFirst = steps.some(({ stepId }) => !this.#doubtful.has(stepId));
      this.#doubt(steps);
      if (isFirst && error instanceof DriverError && isSessionGone(error)) return this.run(statement, bind, steps);
      throw error;
    }
  }

  #doubt(steps: readonly { readonly stepId: string }[]): void {
    for (const { stepId } of steps) this.#doubtful.add(stepId);
    for (const stepId of this.#doubtful) {
      if (this.#doubtful.size <= MOST_DOUBTFUL) return;
      this.#doubtful.delete(stepId);
    }
  }
}

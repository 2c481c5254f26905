/** Submissions: new steps on their way in. */
import type { Database, Statement } from 'better-sqlite3';
import type { SubmitReceipt } from '../contract.js';
import type { NewStep } from '../../step/submission.js';
import { INSERT_STEP, PAYLOAD_OF } from './statements.js';

export class Submissions {
  readonly #insert: Statement;
  readonly #payloadOf: Statement<[string], string>;

  constructor(connection: Database) {
    this.#insert = connection.prepare(INSERT_STEP);
    this.#payloadOf = connection.prepare<[string], string>(PAYLOAD_OF).pluck();
  }

  /** Adds each that is not there yet; call it within a transaction. */
  add(now: number, steps: readonly NewStep[]): SubmitReceipt[] {
    return steps.map(({ stepId, type, payload, priority, maxRetries, delayMs, runAt }) => {
      const due = runAt ?? now + Math.ceil(delayMs);
      const ready = due <= now ? 1 : 0;
      const { changes } = this.#insert.run(stepId, type, ready, priority, due, maxRetries, now, now, payload);
      if (changes === 1) return 'created';
      return this.#payloadOf.get(stepId) === payload ? 'duplicate' : 'mismatch';
    });
  }
}

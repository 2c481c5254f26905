/** Inserts submitted steps. */
import type { Database, Statement } from 'better-sqlite3';
import type { SubmitReceipt } from '../../contract.js';
import { samePayload } from '../../../step/carrier.js';
import type { NewStep } from '../../../step/submission.js';
import { INSERT_STEP, INSERT_RUN_AT_STEP, PAYLOAD_OF } from './statements.js';
import type { WallClockOffsets } from '../clock/wall-clock-offsets.js';

export class Submissions {
  readonly #wall: WallClockOffsets;
  readonly #insert: Statement;
  readonly #insertRunAt: Statement;
  readonly #payloadOf: Statement<[string], string>;

  constructor(connection: Database, wall: WallClockOffsets) {
    this.#wall = wall;
    this.#insert = connection.prepare(INSERT_STEP);
    this.#insertRunAt = connection.prepare(INSERT_RUN_AT_STEP);
    this.#payloadOf = connection.prepare<[string], string>(PAYLOAD_OF).pluck();
  }

  /** Inserts the steps that do not exist yet; call it within a transaction. */
  add(now: number, steps: readonly NewStep[]): SubmitReceipt[] {
    return steps.map((step) => {
      if (this.#add(now, step) === 1) return 'created';
      return samePayload(this.#payloadOf.get(step.stepId), step.payload) ? 'duplicate' : 'mismatch';
    });
  }

  /** Returns the number of inserted rows. */
  #add(now: number, { stepId, type, payload, priority, maxRetries, delayMs, runAt }: NewStep): number {
    // The offset is read in this transaction, so that no correction comes between it and the insert.
    const due = runAt === null ? now + Math.ceil(delayMs) : runAt - this.#wall.offsetMs();
    const ready = due <= now ? 1 : 0;
    if (runAt === null)
      return this.#insert.run(stepId, type, ready, priority, due, maxRetries, now, now, payload).changes;
    return this.#insertRunAt.run(stepId, type, ready, priority, due, maxRetries, now, now, payload, runAt).changes;
  }
}

/** Cancels and retries steps for users. Each change is guarded by the version that was read. */
import type { Database, Statement } from 'better-sqlite3';
import type { CancelReceipt, RetryReceipt, StepAt } from '../../contract.js';
import { isTerminal } from '../../../step/step.js';
import type { SettledRow } from '../row-mapping.js';
import { isVersion, type RowRepair } from './row-repair.js';
import { CANCEL, RETRY, SETTLED_BY } from './statements.js';

export class CancelAndRetry {
  readonly #repair: RowRepair;
  readonly #cancel: Statement;
  readonly #retry: Statement;
  readonly #settledBy: Statement<[string], SettledRow>;

  constructor(connection: Database, repair: RowRepair) {
    this.#repair = repair;
    this.#cancel = connection.prepare(CANCEL);
    this.#retry = connection.prepare(RETRY);
    this.#settledBy = connection.prepare<[string], SettledRow>(SETTLED_BY).raw();
  }

  /** Call it within a transaction. */
  cancel(now: number, token: string, step: StepAt): CancelReceipt {
    const { stepId, version } = this.#repaired(step);
    if (this.#cancel.run(now, token, stepId, version).changes === 1) return 'cancelled';
    const row = this.#settledBy.get(stepId);
    if (row === undefined) return 'notFound';
    if (row[0] === 'cancelled' && row[4] === token) return 'cancelled'; // by an earlier attempt of this call
    return isTerminal(row[0]) ? 'alreadyTerminal' : 'changed';
  }

  /** Call it within a transaction. */
  retry(now: number, step: StepAt): RetryReceipt {
    const { stepId, version } = this.#repaired(step);
    if (this.#retry.run(now, now, stepId, version).changes === 1) return 'retried';
    const row = this.#settledBy.get(stepId);
    if (row === undefined) return 'notFound';
    if (row[0] === 'failed' || row[0] === 'cancelled') return 'changed'; // the caller reads it again
    return row[1] > version ? 'retried' : 'notRetryable';
  }

  /** A version that is out of range guards nothing. The row is repaired, and then has the version 0. */
  #repaired(step: StepAt): StepAt {
    if (isVersion(step.version)) return step;
    this.#repair.of([step.stepId]);
    return { ...step, version: 0 };
  }
}

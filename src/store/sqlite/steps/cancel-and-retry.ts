/** What users do by hand: cancel and retry, each guarded by the version that was read. */
import type { Database, Statement } from 'better-sqlite3';
import type { CancelReceipt, RetryReceipt, StepAt } from '../../contract.js';
import { isTerminal, type StepStatus } from '../../../step/step.js';
import { isVersion, type RowRepair } from './row-repair.js';
import { CANCEL, RETRY, SETTLED_BY } from './statements.js';

type SettledRow = readonly [
  status: StepStatus,
  version: number,
  token: string | null,
  settledVersion: number | null,
  by: string | null,
];

export class CancelAndRetry {
  readonly #repairs: RowRepair;
  readonly #cancel: Statement;
  readonly #retry: Statement;
  readonly #settledBy: Statement<[string], SettledRow>;

  constructor(connection: Database, repairs: RowRepair) {
    this.#repairs = repairs;
    this.#cancel = connection.prepare(CANCEL);
    this.#retry = connection.prepare(RETRY);
    this.#settledBy = connection.prepare<[string], SettledRow>(SETTLED_BY).raw();
  }

  /** Call it within a transaction. */
  cancel(now: number, token: string, step: StepAt): CancelReceipt {
    const { stepId, version } = this.#countable(step);
    if (this.#cancel.run(now, token, stepId, version).changes === 1) return 'cancelled';
    const row = this.#settledBy.get(stepId);
    if (row === undefined) return 'notFound';
    if (row[0] === 'cancelled' && row[4] === token) return 'cancelled'; // an earlier try of this very call
    return isTerminal(row[0]) ? 'alreadyTerminal' : 'changed';
  }

  /** Call it within a transaction. */
  retry(now: number, step: StepAt): RetryReceipt {
    const { stepId, version } = this.#countable(step);
    if (this.#retry.run(now, now, stepId, version).changes === 1) return 'retried';
    const row = this.#settledBy.get(stepId);
    if (row === undefined) return 'notFound';
    if (row[0] === 'failed' || row[0] === 'cancelled') return 'changed'; // once more
    return row[1] > version ? 'retried' : 'notRetryable';
  }

  /** A version beyond what can be counted with guards nothing: the row is repaired, and its new version counts. */
  #countable(step: StepAt): StepAt {
    if (isVersion(step.version)) return step;
    this.#repairs.of([step.stepId]);
    return { ...step, version: 0 };
  }
}

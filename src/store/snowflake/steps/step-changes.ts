/**
 * Cancels and retries steps, and finds out what became of each.
 *
 * Invariant: a receipt needs evidence. If a read shows a row as it was before the change, or no row, the rows are written
 * unchanged first. The session then sees them as they are.
 */
import type { CancelReceipt, RetryReceipt, StepAt } from '../../contract.js';
import { bindChunks } from '../bind-chunks.js';
import { refreshRows } from '../refresh-rows.js';
import { text, written } from '../rows.js';
import type { Row, StatementRunner } from '../session/session-interface.js';
import {
  cancelReceipt,
  isCold,
  isRestorable,
  mayBeCancellable,
  mayBeRetryable,
  retryReceipt,
} from './change-receipts.js';
import { queryByIds, stepName } from './query-by-ids.js';
import type { StepStatements } from './statements.js';
import type { RepeatableInserts } from './repeatable-inserts.js';

export class StepChanges {
  readonly #statements: StepStatements;
  readonly #session: StatementRunner;
  readonly #inserts: RepeatableInserts;

  constructor(statements: StepStatements, session: StatementRunner, inserts: RepeatableInserts) {
    this.#statements = statements;
    this.#session = session;
    this.#inserts = inserts;
  }

  async cancel(token: string, steps: readonly StepAt[]): Promise<CancelReceipt[]> {
    const receipts: CancelReceipt[] = [];
    for (const { items, json } of bindChunks(steps, boundStepAt, stepName)) {
      await this.#session.run(this.#statements.cancel, `{"token":${JSON.stringify(token)},"steps":${json}}`);
      const states = await this.#states(items, (row, step) => mayBeCancellable(row, step, token));
      receipts.push(...items.map((step) => cancelReceipt(states.get(step.stepId), step, token)));
    }
    return receipts;
  }

  async retry(steps: readonly StepAt[]): Promise<RetryReceipt[]> {
    const receipts: RetryReceipt[] = [];
    for (const { items, json } of bindChunks(steps, boundStepAt, stepName)) {
      receipts.push(...(await this.#retry(items, `{"steps":${json}}`)));
    }
    return receipts;
  }

  /** How many rows a write has changed is evidence at once. With several steps it does not say which. */
  async #retry(steps: readonly StepAt[], bind: string): Promise<RetryReceipt[]> {
    const isAlone = steps.length === 1;
    const retried = written(await this.#session.run(this.#statements.retry, bind), 'updated');
    if (isAlone && retried > 0) return ['retried'];
    let states = await this.#states(steps, mayBeRetryable);
    if (steps.some((step) => isRestorable(states.get(step.stepId), step))) {
      const restored = written(await this.#inserts.run(this.#statements.restore, bind, steps), 'inserted');
      if (isAlone && restored > 0) return ['retried'];
      states = await this.#states(steps, mayBeRetryable);
    }
    return steps.map((step) => retryReceipt(states.get(step.stepId), step));
  }

  /**
   * The rows of steps, as they are.
   *
   * @param mayBeLate whether a late read may show this row, and the current row would get another receipt
   */
  async #states(
    steps: readonly StepAt[],
    mayBeLate: (row: Row, step: StepAt) => boolean,
  ): Promise<ReadonlyMap<string, Row>> {
    const states = await this.#readStates(steps);
    const unclear = steps.filter((step) => {
      const row = states.get(step.stepId);
      return row === undefined || isCold(row) || mayBeLate(row, step);
    });
    if (unclear.length === 0) return states;
    await refreshRows(this.#session, this.#statements.refresh, unclear);
    for (const { stepId } of unclear) states.delete(stepId);
    for (const [stepId, row] of await this.#readStates(unclear)) states.set(stepId, row);
    return states;
  }

  async #readStates(steps: readonly StepAt[]): Promise<Map<string, Row>> {
    const ids = steps.map(({ stepId }) => stepId);
    const rows = await queryByIds(this.#session, this.#statements.states, ids);
    return new Map(rows.map((row) => [text(row, 'ID'), row]));
  }
}

const boundStepAt = ({ stepId, version }: StepAt) => ({ id: stepId, version });

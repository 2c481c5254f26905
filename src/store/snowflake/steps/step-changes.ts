/**
 * Cancels and retries steps, and finds out what became of each.
 *
 * Invariants:
 * - A receipt needs evidence. If a read shows a row as it was before the change, or no row, the rows are written
 *   unchanged first. The session then sees them as they are.
 * - A change is made in all rows of a step. Where a write has changed one of several, the others follow, each at its own
 *   version, and only then the receipt says that it is done.
 */
import type { CancelReceipt, RetryReceipt, StepAt } from '../../contract.js';
import { bindChunks } from '../bind-chunks.js';
import { refreshRows } from '../refresh-rows.js';
import { written } from '../rows.js';
import type { StatementRunner } from '../session/session-interface.js';
import {
  cancelReceipt,
  isCold,
  isRestorable,
  leftToCancel,
  leftToRetry,
  mayBeCancellable,
  mayBeRetryable,
  retryReceipt,
  rowsOfSteps,
  type StepRows,
} from './change-receipts.js';
import { queryByIds, stepName } from './query-by-ids.js';
import type { StepStatements } from './statements.js';
import type { RepeatableInserts } from './repeatable-inserts.js';

/** The rows of each step, by its id. */
type States = Map<string, StepRows>;

/** How often a change follows the rows that are left. A step has two rows, hardly ever more, and others may move them meanwhile. */
const MOST_FOLLOWS = 5;

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
    const states: States = new Map();
    const left = (): StepAt[] => leftOf(steps, states, (rows, step) => leftToCancel(rows, step, token));
    await this.#cancel(token, steps, states);
    for (let follows = 0, rest = left(); rest.length > 0 && follows < MOST_FOLLOWS; follows++, rest = left())
      await this.#cancel(token, rest, states);
    return steps.map((step) => cancelReceipt(states.get(step.stepId), step, token));
  }

  async retry(steps: readonly StepAt[]): Promise<RetryReceipt[]> {
    const receipts: RetryReceipt[] = [];
    for (const { items, json } of bindChunks(steps, boundStepAt, stepName)) {
      receipts.push(...(await this.#retry(items, `{"steps":${json}}`)));
    }
    return receipts;
  }

  async #cancel(token: string, steps: readonly StepAt[], states: States): Promise<void> {
    for (const { items, json } of bindChunks(steps, boundStepAt, stepName)) {
      await this.#session.run(this.#statements.cancel, `{"token":${JSON.stringify(token)},"steps":${json}}`);
      await this.#read(states, items, (rows, step) => mayBeCancellable(rows, step, token));
    }
  }

  /** How many rows a write has changed is evidence at once. With several steps it does not say which. */
  async #retry(steps: readonly StepAt[], bind: string): Promise<RetryReceipt[]> {
    const isAlone = steps.length === 1;
    const retried = written(await this.#session.run(this.#statements.retry, bind), 'updated');
    if (isAlone && retried > 0) return ['retried'];
    const states: States = new Map();
    await this.#read(states, steps, mayBeRetryable);
    if (steps.some((step) => isRestorable(states.get(step.stepId), step))) {
      const restored = written(await this.#inserts.run(this.#statements.restore, bind, steps), 'inserted');
      if (isAlone && restored > 0) return ['retried'];
      await this.#read(states, steps, mayBeRetryable);
    }
    const left = (): StepAt[] => leftOf(steps, states, leftToRetry);
    for (let follows = 0, rest = left(); rest.length > 0 && follows < MOST_FOLLOWS; follows++, rest = left()) {
      for (const { items, json } of bindChunks(rest, boundStepAt, stepName)) {
        await this.#session.run(this.#statements.retry, `{"each":1,"steps":${json}}`);
        await this.#read(states, items, () => false); // the rows were refreshed above
      }
    }
    return steps.map((step) => retryReceipt(states.get(step.stepId), step));
  }

  /**
   * Reads the rows of steps, as they are.
   *
   * @param mayBeLate whether a late read may show these rows, and the current rows would get another receipt
   */
  async #read(
    states: States,
    steps: readonly StepAt[],
    mayBeLate: (rows: StepRows, step: StepAt) => boolean,
  ): Promise<void> {
    await this.#readStates(states, steps);
    const unclear = steps.filter((step) => {
      const rows = states.get(step.stepId);
      return rows === undefined || isCold(rows) || mayBeLate(rows, step);
    });
    if (unclear.length === 0) return;
    await refreshRows(this.#session, this.#statements.refresh, unclear);
    await this.#readStates(states, unclear);
  }

  async #readStates(states: States, steps: readonly StepAt[]): Promise<void> {
    const ids = steps.map(({ stepId }) => stepId);
    for (const id of ids) states.delete(id);
    const rows = await queryByIds(this.#session, this.#statements.states, ids);
    for (const [stepId, all] of rowsOfSteps(rows)) states.set(stepId, all);
  }
}

/** What is left of a change, one row for each step. */
function leftOf(
  steps: readonly StepAt[],
  states: States,
  left: (rows: StepRows | undefined, step: StepAt) => StepAt | undefined,
): StepAt[] {
  const found = new Map<string, StepAt>();
  for (const step of steps) {
    const next = left(states.get(step.stepId), step);
    if (next !== undefined) found.set(step.stepId, next);
  }
  return [...found.values()];
}

const boundStepAt = ({ stepId, version }: StepAt) => ({ id: stepId, version });

/**
 * The steps' verbs but for the exchange: submitting, reading, and what users do by hand.
 *
 * Invariants: what became of a change by hand is believed on evidence only. Where a read shows a row as it was before the
 * change, or none, the rows are written unchanged first: then the session sees them as they are.
 */
import { ValidationError, show } from '../../../errors.js';
import { isTerminal, type StepStatus } from '../../../step/step.js';
import { mapInSlices } from '../../../runtime/time-slices.js';
import type { Runtime } from '../../../runtime/runtime.js';
import type { NewStep } from '../../../step/submission.js';
import type {
  CancelledStep,
  CancelReceipt,
  EndedQuery,
  EndedReply,
  ListFilter,
  ListPage,
  RetryReceipt,
  StepAt,
  StepRecord,
  StoreStats,
  SubmitReceipt,
} from '../../contract.js';
import { StepCounts } from '../../step-counts.js';
import { bindChunks } from '../bind-chunks.js';
import { countRowOf, number, recordOf, text, textOrNull, written } from '../rows.js';
import type { Row, StatementRunner } from '../session/session.js';
import { UnconfirmedInserts } from './unconfirmed-inserts.js';
import type { StepStatements } from './statements.js';
import { Submissions } from './submissions.js';
import { refreshRows } from '../refresh-rows.js';

export interface StepsParts {
  readonly statements: StepStatements;
  readonly session: StatementRunner;
  readonly runtime: Runtime;
  readonly pause: (ms: number) => Promise<void>;
  /** How late, at most, others' rows are read. */
  readonly staleReadMs: number;
}

export class Steps {
  readonly #parts: StepsParts;
  readonly #inserts: UnconfirmedInserts;
  readonly #submitting: Submissions;

  constructor(parts: StepsParts) {
    this.#parts = parts;
    const { session, statements } = parts;
    this.#inserts = new UnconfirmedInserts({ session, refresh: statements.refresh });
    this.#submitting = new Submissions({ ...parts, inserts: this.#inserts });
  }

  submit(steps: readonly NewStep[]): Promise<SubmitReceipt[]> {
    return this.#submitting.submit(steps);
  }

  async find(stepIds: readonly string[]): Promise<StepRecord[]> {
    return (await this.#ofIds(this.#parts.statements.find, stepIds)).map(recordOf);
  }

  /** One question, whatever the number of steps. */
  async ended({ awaited }: EndedQuery): Promise<EndedReply> {
    const stepIds = [...awaited.keys()];
    const found = await this.find(stepIds);
    const known = new Set(found.map(({ stepId }) => stepId));
    return {
      steps: found.filter(({ status }) => isTerminal(status)),
      gone: stepIds.filter((stepId) => !known.has(stepId)),
      cursor: '',
      complete: true,
    };
  }

  async cancelled(stepIds: readonly string[]): Promise<CancelledStep[]> {
    const rows = await this.#ofIds(this.#parts.statements.cancelled, stepIds);
    return rows.map((row) => ({ stepId: text(row, 'ID'), agoMs: Math.max(0, number(row, 'AGO_MS')) }));
  }

  async #ofIds(statement: string, stepIds: readonly string[]): Promise<Row[]> {
    const found: Row[] = [];
    for (const { json } of bindChunks([...new Set(stepIds)], (id) => id, show)) {
      found.push(...(await this.#parts.session.run(statement, json)));
    }
    return found;
  }

  async list(filter: ListFilter): Promise<ListPage> {
    const { statuses, types, claimedBy, after, order, limit } = filter;
    const bind = { statuses, types, claimedBy, ...(after === undefined ? {} : cursorOf(after)) };
    const rows = await this.#parts.session.run(this.#parts.statements.list(order, limit + 1), JSON.stringify(bind));
    const steps = rows.map(recordOf);
    const last = steps.length > limit ? steps[limit - 1] : undefined;
    return {
      steps: steps.slice(0, limit),
      next: last === undefined ? null : JSON.stringify([last.createdAt, last.stepId]),
    };
  }

  /** In slices: there may be any number of types and priorities. */
  async stats(): Promise<StoreStats> {
    const { session, statements, runtime } = this.#parts;
    const rows = await session.run(statements.stats);
    const counts = new StepCounts();
    await mapInSlices(runtime, rows, (row) => counts.add(countRowOf(row)));
    return counts.stats(runtime);
  }

  async cancel(token: string, steps: readonly StepAt[]): Promise<CancelReceipt[]> {
    const { session, statements } = this.#parts;
    const receipts: CancelReceipt[] = [];
    for (const { items, json } of bindChunks(steps, boundStepAt, nameOf)) {
      const bind = `{"token":${JSON.stringify(token)},"steps":${json}}`;
      await session.run(statements.cancel, bind);
      const states = await this.#states(items, (row, step) => mayBeOpen(row, step, token));
      receipts.push(...items.map((step) => cancelReceipt(states.get(step.stepId), step, token)));
    }
    return receipts;
  }

  async retry(steps: readonly StepAt[]): Promise<RetryReceipt[]> {
    const receipts: RetryReceipt[] = [];
    for (const { items, json } of bindChunks(steps, boundStepAt, nameOf)) {
      receipts.push(...(await this.#retry(items, `{"steps":${json}}`)));
    }
    return receipts;
  }

  /** The count of a write is evidence at once. Of several steps it does not say which were meant. */
  async #retry(steps: readonly StepAt[], bind: string): Promise<RetryReceipt[]> {
    const { session, statements } = this.#parts;
    const isAlone = steps.length === 1;
    const retried = written(await session.run(statements.retry, bind), 'updated');
    if (isAlone && retried > 0) return ['retried'];
    let states = await this.#states(steps, mayBeRetryable);
    if (steps.some((step) => isRestorable(states.get(step.stepId), step))) {
      const restored = written(await this.#inserts.run(statements.restore, bind, steps), 'inserted');
      if (isAlone && restored > 0) return ['retried'];
      states = await this.#states(steps, mayBeRetryable);
    }
    return steps.map((step) => retryReceipt(states.get(step.stepId), step));
  }

  /** @param isStale whether a late read may show such a row, and the row as it is would be answered differently */
  async #states(
    steps: readonly StepAt[],
    isStale: (row: Row, step: StepAt) => boolean,
  ): Promise<ReadonlyMap<string, Row>> {
    const { session, statements } = this.#parts;
    const states = await this.#readStates(steps);
    const unclear = steps.filter((step) => {
      const row = states.get(step.stepId);
      return row === undefined || isCold(row) || isStale(row, step);
    });
    if (unclear.length === 0) return states;
    await refreshRows(session, statements.refresh, unclear);
    for (const { stepId } of unclear) states.delete(stepId);
    for (const [stepId, row] of await this.#readStates(unclear)) states.set(stepId, row);
    return states;
  }

  async #readStates(steps: readonly StepAt[]): Promise<Map<string, Row>> {
    const ids = steps.map(({ stepId }) => stepId);
    const rows = await this.#ofIds(this.#parts.statements.states, ids);
    return new Map(rows.map((row) => [text(row, 'ID'), row]));
  }
}

const nameOf = ({ stepId }: { readonly stepId: string }): string => `step ${show(stepId)}`;
const boundStepAt = ({ stepId, version }: StepAt) => ({ id: stepId, version });

const isCold = (row: Row): boolean => number(row, 'IS_COLD') === 1;

/** Failed or cancelled: a retry by hand begins it again. */
const isRetryable = (row: Row): boolean => ['failed', 'cancelled'].includes(text(row, 'ITS_STATUS'));

/** Pending or claimed: a cancel ends it. */
const isOpen = (row: Row): boolean => ['pending', 'claimed'].includes(text(row, 'ITS_STATUS'));

const isCancelledBy = (row: Row, token: string): boolean =>
  text(row, 'ITS_STATUS') === 'cancelled' && textOrNull(row, 'SETTLER') === token;

/**
 * Whether a row that reads like this may be one that a cancel could change: the write found another, or the row has come
 * so far since, or it was retried since.
 */
function mayBeOpen(row: Row, { version }: StepAt, token: string): boolean {
  const at = number(row, 'ITS_VERSION');
  if (isCancelledBy(row, token)) return false;
  return at < version || isRetryable(row) || (at === version && isOpen(row) && !isCold(row));
}

/** The same of a retry. A row that others have retried may have failed once more since. */
function mayBeRetryable(row: Row, step: StepAt): boolean {
  return hasMoved(row, step) || isRetryable(row) || number(row, 'ITS_VERSION') < step.version;
}

function cancelReceipt(row: Row | undefined, { version }: StepAt, token: string): CancelReceipt {
  if (row === undefined) return 'notFound';
  if (isCancelledBy(row, token)) return 'cancelled';
  const at = number(row, 'ITS_VERSION');
  if (at < version) return 'changed'; // a late read
  // A row of no known status stays as it is, however often it is tried. One that could be cancelled as it is shown, and was
  // not, has moved: the read is late.
  if (isTerminal(text(row, 'ITS_STATUS') as StepStatus)) return 'alreadyTerminal';
  return at === version && !isOpen(row) ? 'alreadyTerminal' : 'changed';
}

/** Whether only the archive has it, at the version that was read, and it may begin again. */
function isRestorable(row: Row | undefined, { version }: StepAt): boolean {
  return row !== undefined && isCold(row) && number(row, 'ITS_VERSION') === version && isRetryable(row);
}

/** Of all its rows: beside the one that was retried there may be another. */
function hasMoved(row: Row, { version }: StepAt): boolean {
  return number(row, 'HIGHEST_VERSION') > version;
}

function retryReceipt(row: Row | undefined, step: StepAt): RetryReceipt {
  if (row === undefined) return 'notFound';
  // At the version that was read, the write did not find it there: this read is late. At another, it has failed once more.
  if (isRetryable(row)) return 'changed';
  if (hasMoved(row, step)) return 'retried';
  return number(row, 'ITS_VERSION') < step.version ? 'changed' : 'notRetryable';
}

function cursorOf(after: string): { readonly afterMs: number; readonly afterId: string } {
  const invalid = new ValidationError('OPTION_INVALID', 'after', `is no cursor of a list, got ${show(after)}`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(after);
  } catch {
    throw invalid;
  }
  const [afterMs, afterId] = Array.isArray(parsed) ? (parsed as unknown[]) : [];
  if (!Number.isSafeInteger(afterMs) || typeof afterId !== 'string' || /\p{Cs}/u.test(afterId)) throw invalid;
  return { afterMs: afterMs as number, afterId };
}

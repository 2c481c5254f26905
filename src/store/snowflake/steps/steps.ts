/** The steps' verbs but for the exchange: submitting, reading, and what users do by hand. */
import { ValidationError, show } from '../../../errors.js';
import { isTerminal, type StepStatus } from '../../../step/step.js';
import { mapInSlices } from '../../../runtime/slices.js';
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
import { Counts } from '../../counts.js';
import { partsOf, type Part } from '../binds.js';
import { countRowOf, number, recordOf, text, textOrNull, written } from '../rows.js';
import type { Row, Runner } from '../session/session.js';
import type { StepStatements } from './statements.js';

export interface StepsParts {
  readonly statements: StepStatements;
  readonly session: Runner;
  readonly runtime: Runtime;
}

export class Steps {
  readonly #parts: StepsParts;

  constructor(parts: StepsParts) {
    this.#parts = parts;
  }

  /** Each statement's worth is atomic. One statement, where all is new. */
  async submit(steps: readonly NewStep[]): Promise<SubmitReceipt[]> {
    const receipts: SubmitReceipt[] = [];
    // All parts first: where one step is too large, nothing is written.
    for (const part of [...partsOf(steps, boundStep, nameOf)]) receipts.push(...(await this.#insert(part)));
    return receipts;
  }

  async #insert({ items, json }: Part<NewStep>): Promise<SubmitReceipt[]> {
    const { session, statements, runtime } = this.#parts;
    const bind = `{"token":${JSON.stringify(runtime.uuid())},"steps":${json}}`;
    const inserted = written(await session.run(statements.submit, bind), 'inserted');
    const firsts = new Map<string, number>();
    items.forEach(({ stepId }, at) => void (firsts.has(stepId) || firsts.set(stepId, at)));
    const all = inserted === firsts.size;
    const kept = all ? new Map<number, Row>() : await this.#submitted(bind);
    return items.map((step, at) => {
      const first = firsts.get(step.stepId) ?? at;
      const row = kept.get(at);
      if (first === at && (all || number(row, 'MADE') === 1)) return 'created';
      return (all ? items[first]?.payload === step.payload : number(row, 'SAME') === 1) ? 'duplicate' : 'mismatch';
    });
  }

  async #submitted(bind: string): Promise<Map<number, Row>> {
    const { session, statements } = this.#parts;
    const rows = await session.run(statements.submitted, bind);
    return new Map(rows.map((row) => [number(row, 'AT'), row]));
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
    for (const { json } of partsOf([...new Set(stepIds)], (id) => id, show)) {
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
    const counts = new Counts();
    await mapInSlices(runtime, rows, (row) => counts.add(countRowOf(row)));
    return counts.stats(runtime);
  }

  async cancel(token: string, steps: readonly StepAt[]): Promise<CancelReceipt[]> {
    const { session, statements } = this.#parts;
    const receipts: CancelReceipt[] = [];
    for (const { items, json } of partsOf(steps, boundStepAt, nameOf)) {
      const bind = `{"token":${JSON.stringify(token)},"steps":${json}}`;
      await session.run(statements.cancel, bind);
      const states = await this.#states(items);
      receipts.push(...items.map((step) => cancelReceipt(states.get(step.stepId), step, token)));
    }
    return receipts;
  }

  async retry(steps: readonly StepAt[]): Promise<RetryReceipt[]> {
    const { session, statements } = this.#parts;
    const receipts: RetryReceipt[] = [];
    for (const { items, json } of partsOf(steps, boundStepAt, nameOf)) {
      const bind = `{"steps":${json}}`;
      await session.run(statements.retry, bind);
      let states = await this.#states(items);
      if (items.some((step) => isRestorable(states.get(step.stepId), step))) {
        await session.run(statements.restore, bind);
        states = await this.#states(items);
      }
      receipts.push(...items.map((step) => retryReceipt(states.get(step.stepId), step)));
    }
    return receipts;
  }

  async #states(steps: readonly StepAt[]): Promise<Map<string, Row>> {
    const ids = steps.map(({ stepId }) => stepId);
    const rows = await this.#ofIds(this.#parts.statements.states, ids);
    return new Map(rows.map((row) => [text(row, 'ID'), row]));
  }
}

const nameOf = ({ stepId }: { readonly stepId: string }): string => `step ${show(stepId)}`;
const boundStepAt = ({ stepId, version }: StepAt) => ({ id: stepId, version });

function boundStep({ stepId, type, payload, priority, maxRetries, delayMs, runAt }: NewStep): object {
  const due = runAt === null ? { delayMs: Math.ceil(delayMs) } : { runAtMs: runAt };
  return { id: stepId, type, payload, priority, maxRetries, ...due };
}

function cancelReceipt(row: Row | undefined, { version }: StepAt, token: string): CancelReceipt {
  if (row === undefined) return 'notFound';
  const status = text(row, 'ITS_STATUS') as StepStatus;
  if (status === 'cancelled' && textOrNull(row, 'SETTLER') === token) return 'cancelled';
  if (number(row, 'ITS_VERSION') < version) return 'changed'; // a late read
  // A row of no known status stays as it is, however often it is tried. One that could be cancelled as it is shown, and was
  // not, has moved: the read is late.
  const isOpen = status === 'pending' || status === 'claimed';
  return isTerminal(status) || (!isOpen && number(row, 'ITS_VERSION') === version) ? 'alreadyTerminal' : 'changed';
}

/** Whether only the archive has it, at the version that was read, and it may begin again. */
function isRestorable(row: Row | undefined, { version }: StepAt): boolean {
  return (
    row !== undefined &&
    number(row, 'IS_COLD') === 1 &&
    number(row, 'ITS_VERSION') === version &&
    ['failed', 'cancelled'].includes(text(row, 'ITS_STATUS'))
  );
}

function retryReceipt(row: Row | undefined, { version }: StepAt): RetryReceipt {
  if (row === undefined) return 'notFound';
  // Of all its rows: beside the one that was retried there may be another.
  if (number(row, 'HIGHEST_VERSION') > version) return 'retried';
  // What could be retried as it is shown, and was not, has moved: the read is late.
  const isLate = number(row, 'ITS_VERSION') < version || ['failed', 'cancelled'].includes(text(row, 'ITS_STATUS'));
  return isLate ? 'changed' : 'notRetryable';
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

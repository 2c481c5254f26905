/**
 * Submits steps, and finds out what became of each.
 *
 * Invariants:
 * - The steps of one statement are written together or not at all. A submission takes one statement if all steps are new and
 *   fit one bind.
 * - A read that shows no row of a step that the INSERT left out was late. It is never taken for a payload that differs.
 */
import type { Runtime } from '../../../runtime/runtime.js';
import { samePayload, withoutCarrier } from '../../../step/carrier.js';
import type { NewStep } from '../../../step/submission.js';
import type { SubmitReceipt } from '../../contract.js';
import { bindChunks, type BindChunk } from '../bind-chunks.js';
import type { LateReads } from '../late-read-wait.js';
import { refreshRows } from '../refresh-rows.js';
import { number, written } from '../rows.js';
import type { Row, StatementRunner } from '../session/session-interface.js';
import { stepName } from './query-by-ids.js';
import type { StepStatements } from './statements.js';
import type { RepeatableInserts } from './repeatable-inserts.js';

export interface SubmissionsDependencies {
  readonly statements: Pick<StepStatements, 'submit' | 'submitted' | 'refresh'>;
  readonly session: StatementRunner;
  readonly inserts: RepeatableInserts;
  readonly runtime: Pick<Runtime, 'uuid'>;
  readonly lateReads: LateReads;
}

/** What is stored of each step of a submission, by its place in it. */
type Stored = ReadonlyMap<number, Row>;

export class Submissions {
  readonly #statements: SubmissionsDependencies['statements'];
  readonly #session: StatementRunner;
  readonly #inserts: RepeatableInserts;
  readonly #runtime: Pick<Runtime, 'uuid'>;
  readonly #lateReads: LateReads;

  constructor({ statements, session, inserts, runtime, lateReads }: SubmissionsDependencies) {
    this.#statements = statements;
    this.#session = session;
    this.#inserts = inserts;
    this.#runtime = runtime;
    this.#lateReads = lateReads;
  }

  async submit(steps: readonly NewStep[]): Promise<SubmitReceipt[]> {
    const receipts: SubmitReceipt[] = [];
    // All chunks are made first: if one step is too large, nothing is written.
    for (const chunk of [...bindChunks(steps, boundStep, stepName)]) receipts.push(...(await this.#insert(chunk)));
    return receipts;
  }

  async #insert({ items, json }: BindChunk<NewStep>): Promise<SubmitReceipt[]> {
    const token = JSON.stringify(this.#runtime.uuid());
    const bind = `{"token":${token},"steps":${json}}`;
    const inserted = written(await this.#inserts.run(this.#statements.submit, bind, items), 'inserted');
    const firsts = new Map<string, number>();
    items.forEach(({ stepId }, at) => void (firsts.has(stepId) || firsts.set(stepId, at)));
    const all = inserted === firsts.size;
    const stored: Stored = all ? new Map() : await this.#stored(token, items);
    return items.map((step, at) => {
      const first = firsts.get(step.stepId) ?? at;
      const row = stored.get(at);
      if (first === at && (all || number(row, 'MADE') === 1)) return 'created';
      if (all) return samePayload(items[first]?.payload, step.payload) ? 'duplicate' : 'mismatch';
      return isFound(row) && number(row, 'SAME') === 0 ? 'mismatch' : 'duplicate';
    });
  }

  async #stored(token: string, items: readonly NewStep[]): Promise<Stored> {
    const steps = items.map(({ stepId, payload }) => ({ id: stepId, payload: withoutCarrier(payload) }));
    const bind = `{"token":${token},"steps":${JSON.stringify(steps)}}`;
    const read = async (): Promise<Stored> => {
      const rows = await this.#session.run(this.#statements.submitted, bind);
      return new Map(rows.map((row) => [number(row, 'AT'), row]));
    };
    const isWhole = (stored: Stored): boolean => items.every((_, at) => isFound(stored.get(at)));
    let stored = await read();
    if (isWhole(stored)) return stored;
    await refreshRows(this.#session, this.#statements.refresh, items);
    stored = await read();
    if (isWhole(stored) || !this.#lateReads.arePossible) return stored;
    await this.#lateReads.waitOut(); // only the archive has it
    return read();
  }
}

const isFound = (row: Row | undefined): boolean => number(row, 'FOUND') > 0;

function boundStep({ stepId, type, payload, priority, maxRetries, delayMs, runAt }: NewStep): object {
  const due = runAt === null ? { delayMs: Math.ceil(delayMs) } : { runAtMs: runAt };
  return { id: stepId, type, payload, priority, maxRetries, ...due };
}

/**
 * Submits steps, and finds out what became of each.
 *
 * Invariants:
 * - Each statement's worth is atomic. It is one statement where all steps are new.
 * - A read that shows no row of a step that the INSERT left out says nothing: it was late. It is never taken for a payload
 *   that differs.
 */
import { show } from '../../../errors.js';
import type { Runtime } from '../../../runtime/runtime.js';
import type { NewStep } from '../../../step/submission.js';
import type { SubmitReceipt } from '../../contract.js';
import { bindChunks, type BindChunk } from '../bind-chunks.js';
import { number, written } from '../rows.js';
import type { Row, StatementRunner } from '../session/session.js';
import type { UnconfirmedInserts } from './unconfirmed-inserts.js';
import type { StepStatements } from './statements.js';
import { refreshRows } from '../refresh-rows.js';

export interface SubmissionsParts {
  readonly statements: Pick<StepStatements, 'submit' | 'submitted' | 'refresh'>;
  readonly session: StatementRunner;
  readonly inserts: UnconfirmedInserts;
  readonly runtime: Runtime;
  readonly pause: (ms: number) => Promise<void>;
  /** How late, at most, others' rows are read. */
  readonly staleReadMs: number;
}

type Kept = ReadonlyMap<number, Row>;

export class Submissions {
  readonly #parts: SubmissionsParts;

  constructor(parts: SubmissionsParts) {
    this.#parts = parts;
  }

  async submit(steps: readonly NewStep[]): Promise<SubmitReceipt[]> {
    const receipts: SubmitReceipt[] = [];
    // All parts first: where one step is too large, nothing is written.
    for (const part of [...bindChunks(steps, boundStep, nameOf)]) receipts.push(...(await this.#insert(part)));
    return receipts;
  }

  async #insert({ items, json }: BindChunk<NewStep>): Promise<SubmitReceipt[]> {
    const { statements, runtime, inserts } = this.#parts;
    const bind = `{"token":${JSON.stringify(runtime.uuid())},"steps":${json}}`;
    const inserted = written(await inserts.run(statements.submit, bind, items), 'inserted');
    const firsts = new Map<string, number>();
    items.forEach(({ stepId }, at) => void (firsts.has(stepId) || firsts.set(stepId, at)));
    const all = inserted === firsts.size;
    const kept: Kept = all ? new Map() : await this.#submitted(bind, items);
    return items.map((step, at) => {
      const first = firsts.get(step.stepId) ?? at;
      const row = kept.get(at);
      if (first === at && (all || number(row, 'MADE') === 1)) return 'created';
      if (all) return items[first]?.payload === step.payload ? 'duplicate' : 'mismatch';
      return isFound(row) && number(row, 'SAME') === 0 ? 'mismatch' : 'duplicate';
    });
  }

  /** By the place of each step. */
  async #submitted(bind: string, items: readonly NewStep[]): Promise<Kept> {
    const { session, statements, pause, staleReadMs } = this.#parts;
    const read = async (): Promise<Kept> => {
      const rows = await session.run(statements.submitted, bind);
      return new Map(rows.map((row) => [number(row, 'AT'), row]));
    };
    const isWhole = (kept: Kept): boolean => items.every((_, at) => isFound(kept.get(at)));
    let kept = await read();
    if (isWhole(kept)) return kept;
    await refreshRows(session, statements.refresh, items);
    kept = await read();
    if (isWhole(kept) || staleReadMs === 0) return kept;
    await pause(staleReadMs); // only the archive has it
    return read();
  }
}

const isFound = (row: Row | undefined): boolean => number(row, 'FOUND') > 0;
const nameOf = ({ stepId }: NewStep): string => `step ${show(stepId)}`;

function boundStep({ stepId, type, payload, priority, maxRetries, delayMs, runAt }: NewStep): object {
  const due = runAt === null ? { delayMs: Math.ceil(delayMs) } : { runAtMs: runAt };
  return { id: stepId, type, payload, priority, maxRetries, ...due };
}

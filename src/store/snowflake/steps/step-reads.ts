/** Reads steps: by id, in pages, and counted. */
import type { Runtime } from '../../../runtime/runtime.js';
import { mapInSlices } from '../../../runtime/time-slices.js';
import type {
  CancelledStep,
  EndedQuery,
  EndedReply,
  ListFilter,
  ListPage,
  StepRecord,
  StoreStats,
} from '../../contract.js';
import { endedAmong } from '../../ended-among.js';
import { StepCounts } from '../../step-counts.js';
import { countRowOf, number, recordOf, text } from '../rows.js';
import type { StatementRunner } from '../session/session-interface.js';
import { cursorOf, pageOf } from './list-cursor.js';
import { queryByIds } from './query-by-ids.js';
import type { StepStatements } from './statements.js';

export class StepReads {
  readonly #statements: StepStatements;
  readonly #session: StatementRunner;
  readonly #runtime: Runtime;

  constructor(statements: StepStatements, session: StatementRunner, runtime: Runtime) {
    this.#statements = statements;
    this.#session = session;
    this.#runtime = runtime;
  }

  async find(stepIds: readonly string[]): Promise<StepRecord[]> {
    return (await queryByIds(this.#session, this.#statements.find, stepIds)).map(recordOf);
  }

  /** All awaited steps are read each time, so there is no cursor. */
  async ended({ awaited }: EndedQuery): Promise<EndedReply> {
    const stepIds = [...awaited.keys()];
    return { ...endedAmong(stepIds, await this.find(stepIds)), cursor: '', complete: true };
  }

  async cancelled(stepIds: readonly string[]): Promise<CancelledStep[]> {
    const rows = await queryByIds(this.#session, this.#statements.cancelled, stepIds);
    return rows.map((row) => ({ stepId: text(row, 'ID'), agoMs: Math.max(0, number(row, 'AGO_MS')) }));
  }

  async list({ after, order, limit, ...conditions }: ListFilter): Promise<ListPage> {
    const bind = { ...conditions, ...(after === undefined ? {} : cursorOf(after)) };
    // One row more than a page shows that there is a next page.
    const rows = await this.#session.run(this.#statements.list(order, limit + 1), JSON.stringify(bind));
    return pageOf(rows.map(recordOf), limit);
  }

  /** In slices: there may be any number of types and priorities. */
  async stats(): Promise<StoreStats> {
    const rows = await this.#session.run(this.#statements.stats);
    const counts = new StepCounts();
    await mapInSlices(this.#runtime, rows, (row) => counts.add(countRowOf(row)));
    return counts.stats(this.#runtime);
  }
}

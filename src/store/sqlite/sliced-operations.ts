/**
 * Runs the operations that may read the whole history (find, list, count and prune) in small pieces.
 *
 * Invariants:
 * - No piece takes more than a few ms, and other work runs between two pieces.
 * - The helper runs the same pieces on its own thread.
 */
import type { ListFilter, ListPage, PruneReply, StepRecord } from '../contract.js';
import { StepCounts } from '../step-counts.js';
import type { SynchronousCore } from './synchronous-core.js';

const COUNTED_ROWS = 5_000;
const LISTED_ROWS = 1_000;
/** How long one piece of a find may take. */
const FIND_MS = 4;

/** Runs an operation, and repeats it while the database is BUSY. */
export type Attempt = <T>(operation: () => T) => Promise<T>;

export interface SlicedOperationsDependencies {
  readonly core: SynchronousCore;
  readonly attempt: Attempt;
  /** Lets other work run. */
  readonly pause: () => Promise<void>;
  readonly monotonicMs: () => number;
}

/** A part of a page. `rest` is the row after which to continue, or `undefined` if the page is complete. */
export interface PartOfPage {
  readonly page: ListPage;
  readonly rest: number | undefined;
}

export class SlicedOperations {
  readonly #deps: SlicedOperationsDependencies;

  constructor(deps: SlicedOperationsDependencies) {
    this.#deps = deps;
  }

  /** The steps of these ids; unknown ones are left out. */
  async find(stepIds: readonly string[]): Promise<StepRecord[]> {
    const { core, attempt, pause, monotonicMs } = this.#deps;
    const ids = [...new Set(stepIds)];
    const found: StepRecord[] = [];
    for (let next = 0; next < ids.length;) {
      if (next > 0) await pause();
      const from = next;
      const until = monotonicMs() + FIND_MS;
      const piece = await attempt(() => core.find(ids, from, () => monotonicMs() > until));
      found.push(...piece.steps);
      next = piece.next;
    }
    return found;
  }

  async count(now: number): Promise<StepCounts> {
    const { core, attempt, pause } = this.#deps;
    const counts = new StepCounts();
    for (let after: number | null = 0; after !== null;) {
      if (after > 0) await pause();
      const from: number = after;
      const piece = await attempt(() => core.countPiece(now, from, COUNTED_ROWS));
      for (const row of piece.rows) counts.add(row);
      after = piece.after;
    }
    return counts;
  }

  /** The first piece of a page. Usually it is the whole page. */
  async listBegin(filter: ListFilter, after: number | null): Promise<PartOfPage> {
    const { core, attempt } = this.#deps;
    const piece = await attempt(() => core.listPiece(filter, after, filter.limit, LISTED_ROWS));
    const next = piece.after === null ? null : String(piece.after);
    return { page: { steps: piece.steps, next }, rest: piece.full ? undefined : (piece.after ?? undefined) };
  }

  /** A whole page. */
  async list(filter: ListFilter, after: number | null): Promise<ListPage> {
    const steps: StepRecord[] = [];
    let part = await this.listBegin(filter, after);
    for (;;) {
      steps.push(...part.page.steps);
      if (part.rest === undefined) return { steps, next: part.page.next };
      await this.#deps.pause();
      part = await this.listBegin({ ...filter, limit: filter.limit - steps.length }, part.rest);
    }
  }

  prune(now: number, keepMs: number): Promise<PruneReply> {
    const { core, attempt, monotonicMs } = this.#deps;
    return attempt(() => {
      const startedAt = monotonicMs();
      return core.prune(now, keepMs, () => monotonicMs() - startedAt);
    });
  }
}

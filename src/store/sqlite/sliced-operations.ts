/**
 * Scans: operations that may have to look at the whole history, made of small pieces.
 *
 * Law: no piece takes more than a few ms, and between two of them the others have their turn. The helper runs the same
 * pieces on its own thread, where nobody waits.
 */
import type { ListFilter, ListPage, PruneReply, StepRecord } from '../contract.js';
import { StepCounts } from '../step-counts.js';
import type { SynchronousCore } from './synchronous-core.js';

const COUNTED_ROWS = 5_000;
const LISTED_ROWS = 1_000;
/** How long a find may keep the event loop at a time. */
const FIND_MS = 4;

/** Runs an operation until the database lets it through. */
export type Attempt = <T>(operation: () => T) => Promise<T>;

export interface ScanParts {
  readonly core: SynchronousCore;
  readonly attempt: Attempt;
  /** Lets others run. */
  readonly pause: () => Promise<void>;
  readonly monotonicMs: () => number;
}

/** A page in the making: what was found, and where to go on; `undefined`: it is done. */
export interface PartOfPage {
  readonly page: ListPage;
  readonly rest: number | undefined;
}

export class SlicedOperations {
  readonly #parts: ScanParts;

  constructor(parts: ScanParts) {
    this.#parts = parts;
  }

  /** The steps of these ids; unknown ones are left out. */
  async find(stepIds: readonly string[]): Promise<StepRecord[]> {
    const { core, attempt, pause, monotonicMs } = this.#parts;
    const wanted = [...new Set(stepIds)];
    const found: StepRecord[] = [];
    for (let next = 0; next < wanted.length;) {
      if (next > 0) await pause();
      const from = next;
      const until = monotonicMs() + FIND_MS;
      const piece = await attempt(() => core.find(wanted, from, () => monotonicMs() > until));
      found.push(...piece.steps);
      next = piece.next;
    }
    return found;
  }

  async count(now: number): Promise<StepCounts> {
    const { core, attempt, pause } = this.#parts;
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

  /** The first piece of a page: mostly all of it. */
  async listBegin(filter: ListFilter, after: number | null): Promise<PartOfPage> {
    const { core, attempt } = this.#parts;
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
      await this.#parts.pause();
      part = await this.listBegin({ ...filter, limit: filter.limit - steps.length }, part.rest);
    }
  }

  prune(now: number, keepMs: number): Promise<PruneReply> {
    const { core, attempt, monotonicMs } = this.#parts;
    return attempt(() => {
      const startedAt = monotonicMs();
      return core.prune(now, keepMs, () => monotonicMs() - startedAt);
    });
  }
}

/**
 * Finds which awaited steps have ended.
 *
 * Invariants:
 * - Up to 64 steps are looked up one by one, which is complete. With more, the index of ended steps is read from where the
 *   last read stopped, so ten thousand waiters cost no more than one.
 * - The clocks of two processes may differ by some milliseconds, so each read starts 20 ms before the last one stopped.
 * - A read never starts in the future. So a row that SQL ended in the future hides no step that ends now.
 * - No piece takes more than a few ms.
 */
import { isTerminal } from '../../../step/step.js';
import type { EndedQuery, EndedReply, StepRecord } from '../../contract.js';
import { endedAmong } from '../../ended-among.js';
import type { SlicedOperationsDependencies, SlicedOperations } from '../sliced-operations.js';

/** The most steps that are looked up one by one: about 0.2 ms. */
const FEW = 64;
/** Rows of the index in one piece: about a millisecond. */
const PIECE_ROWS = 1_000;
/** How far back a read starts. If clocks differ by more, the caller's own `find` finds the step. */
const OVERLAP_MS = 20;

export class EndedSteps {
  readonly #deps: Pick<SlicedOperationsDependencies, 'core' | 'attempt' | 'pause'>;
  readonly #operations: Pick<SlicedOperations, 'find'>;

  constructor(
    deps: Pick<SlicedOperationsDependencies, 'core' | 'attempt' | 'pause'>,
    operations: Pick<SlicedOperations, 'find'>,
  ) {
    this.#deps = deps;
    this.#operations = operations;
  }

  async since({ awaited, since }: EndedQuery, now: number): Promise<EndedReply> {
    const { core, attempt } = this.#deps;
    if (awaited.size <= FEW) {
      const cursor = String(Math.min(now, await attempt(() => core.newestEnding())));
      return { ...(await this.#each([...awaited.keys()])), cursor, complete: true };
    }
    if (since === null) {
      const cursor = String(Math.min(now, await attempt(() => core.newestEnding())));
      return { steps: [], cursor, complete: false, gone: [] };
    }
    const { stepIds, last } = await this.#read(Number(since), awaited);
    return { steps: await this.#ended(stepIds), cursor: String(Math.min(now, last)), complete: false, gone: [] };
  }

  async #each(stepIds: readonly string[]): Promise<Pick<EndedReply, 'steps' | 'gone'>> {
    return endedAmong(stepIds, await this.#operations.find(stepIds));
  }

  /** Reads the index to its end. Returns the awaited steps in it, and when the last step of all ended. */
  async #read(
    since: number,
    awaited: EndedQuery['awaited'],
  ): Promise<{ readonly stepIds: readonly string[]; readonly last: number }> {
    const { core, attempt, pause } = this.#deps;
    const stepIds: string[] = [];
    let at = since - OVERLAP_MS;
    let row = 0;
    let last = since;
    for (;;) {
      const [from, after] = [at, row];
      const rows = await attempt(() => core.endedFrom(from, after, PIECE_ROWS));
      for (const [, , stepId] of rows) if (awaited.has(stepId)) stepIds.push(stepId);
      const end = rows.at(-1);
      if (end !== undefined) [at, row] = end;
      last = Math.max(last, at);
      if (rows.length < PIECE_ROWS) return { stepIds, last };
      await pause();
    }
  }

  /** A step may have been retried between the two reads. */
  async #ended(stepIds: readonly string[]): Promise<readonly StepRecord[]> {
    return stepIds.length === 0
      ? []
      : (await this.#operations.find(stepIds)).filter(({ status }) => isTerminal(status));
  }
}

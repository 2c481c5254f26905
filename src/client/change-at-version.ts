/**
 * Changes one step at the version that was read: reads, writes, and starts over if the row has moved.
 *
 * Invariants:
 * - A read may be late, a write is not. If the write finds the row at another version, the step is read and tried again,
 *   with the pauses of {@link SecondRead}.
 * - It ends: `STORE_BUSY` if the row keeps changing, or if no read shows the change in time.
 */
import { StoreError } from '../errors.js';
import type { StepRecord } from '../store/contract.js';
import { SecondRead, type SecondReadDependencies } from './second-read.js';

/** An attempt that gave no result. */
export type NoResult =
  /** In the state that was read, there is nothing to change. */
  | 'nothing'
  /** The row is no longer at the version that was read. */
  | 'changed';

export interface Change<R extends string> {
  /** What the caller wants, for the error: `cancelled`. */
  readonly done: string;
  readonly find: () => Promise<StepRecord | undefined>;
  /** @param tried the newest version at which an attempt found that the row had moved */
  readonly attempt: (record: StepRecord, tried: number | undefined) => Promise<R | NoResult>;
  /** The result if there is nothing to change. @param record `undefined`: there is no such step */
  readonly unchanged: (record: StepRecord | undefined) => R;
}

/** How often the row may move between a read and the write that follows it. */
const MAX_MOVES = 20;

/** @throws StoreError `STORE_BUSY` */
export async function changeAtVersion<R extends string>(
  stepId: string,
  deps: SecondReadDependencies,
  { done, find, attempt, unchanged }: Change<R>,
): Promise<R> {
  const reads = new SecondRead(deps);
  let tried: number | undefined;
  for (let moves = 0; ;) {
    const record = await find();
    const result = record === undefined ? 'nothing' : await attempt(record, tried);
    if (result !== 'nothing' && result !== 'changed') return result;
    if (record !== undefined && result === 'changed' && record.version !== tried) {
      tried = record.version;
      moves++;
      reads.moved();
    }
    if (moves < MAX_MOVES && (await reads.again())) continue;
    if (result === 'nothing') return unchanged(record);
    const problem = `step ${stepId} was not ${done}: it keeps changing, or the store does not show its state yet`;
    throw new StoreError('STORE_BUSY', `${problem}. Try again`, true);
  }
}

/**
 * One change of a step that a user asked for, at the version that is read.
 *
 * Invariants:
 * - A read may be late, and the write is not: where it finds the row at another version, the step is read and tried again,
 *   with pauses. See {@link SecondRead}.
 * - It ends: a row that keeps changing, or whose change no read shows in time, is `STORE_BUSY`.
 */
import { StoreError } from '../errors.js';
import type { StepRecord } from '../store/contract.js';
import { SecondRead, type SecondReadParts } from './second-read.js';

/** What an attempt came to, beside a result. */
export type NoResult =
  /** As the step is shown, there is nothing to change. */
  | 'nothing'
  /** The row is no longer at the version that is shown. */
  | 'changed';

export interface Change<R extends string> {
  /** What the caller asked for, for the error: `cancelled`. */
  readonly done: string;
  readonly find: () => Promise<StepRecord | undefined>;
  /** @param tried the newest version at which an attempt found that the row had moved */
  readonly attempt: (record: StepRecord, tried: number | undefined) => Promise<R | NoResult>;
  /** The answer where nothing is to be changed; `undefined`: there is no such step. */
  readonly refusal: (record: StepRecord | undefined) => R;
}

/** Versions at which a change is tried. Each is a move of the row between a look and the write after it. */
const MOST_MOVES = 20;

/** @throws StoreError `STORE_BUSY` */
export async function changeStep<R extends string>(
  stepId: string,
  parts: SecondReadParts,
  { done, find, attempt, refusal }: Change<R>,
): Promise<R> {
  const looks = new SecondRead(parts);
  let tried: number | undefined;
  for (let moves = 0; ;) {
    const record = await find();
    const result = record === undefined ? 'nothing' : await attempt(record, tried);
    if (result !== 'nothing' && result !== 'changed') return result;
    if (record !== undefined && result === 'changed' && record.version !== tried) {
      tried = record.version;
      moves++;
      looks.moved();
    }
    if (moves < MOST_MOVES && (await looks.again())) continue;
    if (result === 'nothing') return refusal(record);
    const problem = `step ${stepId} was not ${done}: it keeps changing, or the store does not show yet how it stands`;
    throw new StoreError('STORE_BUSY', `${problem}. Try again`, true);
  }
}

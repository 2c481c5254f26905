/**
 * How far down its candidates a pod's next UPDATE begins, so that pods which read late do not all ask for the same steps.
 *
 * Invariants:
 * - It begins at the front, as ever, unless the last UPDATE was refused steps that reads still show as due: others have
 *   claimed them, unseen. Where reads are never late, it always begins at the front.
 * - It goes no further down than contention asks: the reach grows while steps are refused behind it too, and shrinks
 *   otherwise. At least enough candidates are left to fill the request.
 * - At least every fourth UPDATE begins at the front, so that an urgent step is not passed over for long; one that gets
 *   all there ends the detour.
 */
import type { Runtime } from '../../../runtime/runtime.js';
import type { ClaimRequest } from '../../contract.js';
import { BATCH } from './settlements.js';

/** Of so many UPDATEs one begins at the front. */
const FRONT_EVERY = 4;
/** The reach grows by this factor, and begins with so many times what is asked for. */
const GROWTH = 4;
const SHRINKAGE = 0.75;

export class CandidateSkip {
  readonly #runtime: Pick<Runtime, 'random'>;
  /** As many candidates, at most, are passed over. */
  #reach = 0;
  /** UPDATEs since one began at the front, with that one. */
  #updates = 0;
  #skip = 0;

  constructor(runtime: Pick<Runtime, 'random'>) {
    this.#runtime = runtime;
  }

  /** How many candidates the UPDATE of this request passes over. Steps that would only be held ahead are worth no detour. */
  skipOf({ free }: ClaimRequest): number {
    return free > 0 ? this.#skip : 0;
  }

  /**
   * What came of the UPDATE of this request.
   *
   * @param took how many steps it claimed
   * @param due how many still read as due after it
   * @returns whether it claimed nothing because others have claimed what reads as due
   */
  learn(claim: ClaimRequest, took: number, due: number): boolean {
    if (claim.free === 0) return false;
    const refused = due > 0 && took < claim.free && took < leastOf(claim);
    this.#choose(refused, due, Math.min(claim.free + claim.prefetch, BATCH));
    return refused && took === 0;
  }

  #choose(refused: boolean, due: number, asked: number): void {
    const atFront = this.#skip === 0;
    if (due === 0 || (atFront && !refused)) {
      this.#reach = this.#skip = this.#updates = 0;
      return;
    }
    if (!atFront) this.#reach = refused ? this.#reach * GROWTH : Math.ceil(this.#reach * SHRINKAGE);
    this.#reach = Math.min(due, Math.max(this.#reach, asked * GROWTH));
    this.#updates = atFront ? 1 : this.#updates + 1;
    const most = this.#updates < FRONT_EVERY ? Math.min(this.#reach, due - asked) : 0;
    // In the far half: the near one is more likely to be taken.
    this.#skip = most > 0 ? Math.ceil(((1 + this.#runtime.random()) / 2) * most) : 0;
  }
}

/**
 * How many steps an UPDATE that is refused none claims at the least, as long as so many are due. A type's limit leaves
 * slots empty, and so do suspects, of which it claims one at most. What may be held ahead is not counted.
 */
function leastOf({ free, quarantine, types }: ClaimRequest): number {
  return Math.min(quarantine === 0 ? free : 1, BATCH, ...types.values());
}

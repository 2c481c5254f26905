/**
 * How many candidates a pod's next UPDATE skips, so that pods whose reads are late do not all ask for the same steps.
 *
 * Invariants:
 * - It skips none, unless the last UPDATE was refused steps that still read as due: other pods have claimed them, and this
 *   session does not see it yet. Without late reads, nothing is ever skipped.
 * - It skips no more than contention requires: the reach grows while steps behind it are refused, too, and shrinks otherwise.
 *   Enough candidates are left to fill the request.
 * - At least every fourth UPDATE begins at the front, so that an urgent step is not skipped for long. An UPDATE that is refused
 *   nothing there ends the skipping.
 */
import type { Runtime } from '../../../runtime/runtime.js';
import type { ClaimRequest } from '../../contract.js';
import { BATCH } from './settlements.js';

/** One UPDATE of this many begins at the front. */
const FRONT_EVERY = 4;
/** The reach grows by this factor, and starts at this multiple of what the request asks for. */
const GROWTH = 4;
const SHRINKAGE = 0.75;

export class CandidateSkip {
  readonly #runtime: Pick<Runtime, 'random'>;
  /** The most candidates that are skipped. */
  #reach = 0;
  /** How many UPDATEs came since one began at the front, that one included. */
  #updates = 0;
  #skip = 0;

  constructor(runtime: Pick<Runtime, 'random'>) {
    this.#runtime = runtime;
  }

  /** How many candidates the UPDATE of this request skips. None for prefetch alone: such steps are not urgent. */
  skipOf({ free }: ClaimRequest): number {
    return free > 0 ? this.#skip : 0;
  }

  /**
   * Learns from the UPDATE of this request.
   *
   * @param claimed how many steps it claimed
   * @param due how many still read as due after it
   * @returns whether it claimed nothing, because other pods have claimed what reads as due
   */
  learn(claim: ClaimRequest, claimed: number, due: number): boolean {
    if (claim.free === 0) return false;
    const refused = due > 0 && claimed < claim.free && claimed < leastOf(claim);
    this.#choose(refused, due, Math.min(claim.free + claim.prefetch, BATCH));
    return refused && claimed === 0;
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
 * The fewest steps that an UPDATE claims if it is refused none and as many are due. A type's limit may leave slots empty, and so
 * may suspects, of which it claims one at most. Prefetch is not counted.
 */
function leastOf({ free, quarantine, types }: ClaimRequest): number {
  return Math.min(quarantine === 0 ? free : 1, BATCH, ...types.values());
}

/** How much of a claim request is still open: the free slots, the prefetch, and the limit of each type. */
import type { ClaimRequest } from '../../contract.js';

export class ClaimQuota {
  #left = false;
  readonly #limits: ClaimRequest['types'];
  readonly #ofType = new Map<string, number>();
  #room: number;
  #free: number;

  /** @param room the most steps to claim in all */
  constructor({ free, types }: ClaimRequest, room: number) {
    this.#limits = types;
    this.#room = room;
    this.#free = Math.min(free, room);
  }

  /** Whether a candidate was left out, so that there may be more to claim. */
  get left(): boolean {
    return this.#left;
  }

  /** Candidates were left out for a reason of the caller's. */
  leaveOut(): void {
    this.#left = true;
  }

  /** Whether one more of this type may be claimed. */
  allows(type: string): boolean {
    const may = this.#room > 0 && (this.#ofType.get(type) ?? 0) < (this.#limits.get(type) ?? 0);
    if (!may) this.#left = true;
    return may;
  }

  /**
   * Takes a place for a step; call it if {@link allows} its type.
   *
   * A step that has crashed a pod is never prefetched: it takes a free slot or none. Candidates hold at most one step
   * that has crashed two pods.
   */
  take(type: string, crashes: number): boolean {
    if (crashes > 0 && this.#free === 0) {
      this.#left = true;
      return false;
    }
    if (this.#free > 0) this.#free--;
    this.#room--;
    this.#ofType.set(type, (this.#ofType.get(type) ?? 0) + 1);
    return true;
  }
}

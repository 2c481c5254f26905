/** When each recent commit was made. Commits are numbered from 1. */
import { firstNot } from './sorted-list.js';

/** Removed in pieces of this many, because the array is copied. */
const PIECE = 4_096;

export class CommitInstants {
  readonly #latenessMs: number;
  #instants: number[] = [];
  /** How many are forgotten. */
  #forgotten = 0;

  constructor(latenessMs: number) {
    this.#latenessMs = latenessMs;
  }

  add(at: number): void {
    this.#instants.push(at);
    if (this.#instants.length % PIECE !== 0) return;
    const first = firstNot(this.#instants, (instant) => instant < at - this.#latenessMs);
    this.#instants = this.#instants.slice(first);
    this.#forgotten += first;
  }

  /** The number of the last commit at that instant or before. */
  numberAt(instant: number): number {
    const last = this.#instants[this.#instants.length - 1];
    if (last === undefined || last <= instant) return this.#forgotten + this.#instants.length;
    return this.#forgotten + firstNot(this.#instants, (at) => at <= instant);
  }
}

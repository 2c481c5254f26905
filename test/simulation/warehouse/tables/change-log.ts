/** The recent changes of a table: what a late read has not seen yet. */

/** A commit: its number, its instant, and its session. */
export interface Commit {
  readonly number: number;
  readonly at: number;
  readonly session: number;
}

/** Which commits a view sees. */
export interface Sight {
  /** All of this session. */
  readonly session: number;
  /** Of other sessions those of this instant and before. */
  readonly asOf: number;
  /** But none after the one of this number: the view is as old as that. */
  readonly until: number;
}

interface Change<K, R> extends Commit {
  readonly key: K;
  readonly before: R | undefined;
}

/** Removed in pieces of this many, because the array is copied. */
const PIECE = 4_096;

export class ChangeLog<K, R> {
  readonly #latenessMs: number;
  #changes: Change<K, R>[] = [];
  #forgotten = -Infinity;
  #forgottenNumber = -Infinity;

  /** @param latenessMs no view is later */
  constructor(latenessMs: number) {
    this.#latenessMs = latenessMs;
  }

  /** A row that was written unchanged is a change, too: its session has seen it. */
  add(change: Change<K, R>): void {
    this.#changes.push(change);
    if (this.#changes.length % PIECE === 0) this.#forget(change.at - this.#latenessMs);
  }

  /**
   * The rows that a view does not see as they are now, with what it sees of them: the row before the first change that comes after the
   * last one that it sees.
   */
  undone({ session, asOf, until }: Sight): ReadonlyMap<K, R | undefined> | undefined {
    let undone: Map<K, R | undefined> | undefined;
    let seen: Set<K> | undefined;
    for (let i = this.#changes.length - 1; i >= 0; i--) {
      const change = this.#changes[i];
      if (change === undefined || (change.at <= asOf && change.number <= until)) return undone;
      if (change.session === session && change.number <= until) (seen ??= new Set()).add(change.key);
      else if (seen?.has(change.key) !== true) (undone ??= new Map()).set(change.key, change.before);
    }
    if (asOf < this.#forgotten || until < this.#forgottenNumber)
      throw new RangeError(`changes since ${asOf} (${until}) are forgotten`);
    return undone;
  }

  #forget(until: number): void {
    const first = this.#changes.findIndex(({ at }) => at > until);
    if (first <= 0) return;
    this.#forgottenNumber = this.#changes[first - 1]?.number ?? -Infinity;
    this.#changes = this.#changes.slice(first);
    this.#forgotten = until;
  }
}

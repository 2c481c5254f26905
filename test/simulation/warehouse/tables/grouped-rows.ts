/**
 * The rows of a table that are inserted and deleted, and never changed: the archive, the requests, the log of pods. They are grouped by
 * one column, and kept in the order of another if there is one.
 */
import { firstNot } from './sorted-list.js';

export class GroupedRows<R> {
  readonly #groupOf: (row: R) => string;
  readonly #instantOf: ((row: R) => number) | undefined;
  #rows: R[] = [];
  readonly #groups = new Map<string, readonly R[]>();

  constructor(groupOf: (row: R) => string, instantOf?: (row: R) => number) {
    this.#groupOf = groupOf;
    this.#instantOf = instantOf;
  }

  all(): readonly R[] {
    return this.#rows;
  }

  of(group: string): readonly R[] {
    return this.#groups.get(group) ?? [];
  }

  since(instant: number): readonly R[] {
    const instantOf = this.#instantOf;
    if (instantOf === undefined) return this.#rows;
    return this.#rows.slice(firstNot(this.#rows, (row) => instantOf(row) <= instant));
  }

  insert(row: R): void {
    const instantOf = this.#instantOf;
    let at = this.#rows.length;
    if (instantOf !== undefined) while (at > 0 && instantOf(this.#rows[at - 1] as R) > instantOf(row)) at--;
    if (at === this.#rows.length) this.#rows.push(row);
    else this.#rows.splice(at, 0, row);
    const group = this.#groupOf(row);
    this.#groups.set(group, [...this.of(group), row]);
  }

  delete(rows: ReadonlySet<R>): void {
    if (rows.size === 0) return;
    this.#rows = this.#rows.filter((row) => !rows.has(row));
    for (const group of new Set([...rows].map(this.#groupOf))) {
      const left = this.of(group).filter((row) => !rows.has(row));
      if (left.length === 0) this.#groups.delete(group);
      else this.#groups.set(group, left);
    }
  }
}

/** When each incarnation last claimed or settled a step, as the rows show it. */
import type { StepRow } from '../tables.js';
import { compareText } from '../values.js';
import { SortedList } from './sorted-list.js';

/** Who has written a row last: its holder, or its settler if it is not claimed. */
export const actorOf = (row: StepRow): string | null =>
  row.status === 'claimed' ? row.claimed_incarnation : row.settled_by;

interface Actor {
  readonly name: string;
  readonly last: number;
}

export class Touches {
  readonly #rows = new Map<string, SortedList<StepRow>>();
  /** Each actor with the last of its rows. */
  readonly #actors = new SortedList<Actor>((a, b) => a.last - b.last || compareText(a.name, b.name));

  add(row: StepRow): void {
    const name = actorOf(row);
    if (name === null) return;
    let rows = this.#rows.get(name);
    if (rows === undefined) {
      rows = new SortedList((a, b) => a.last_update_ts - b.last_update_ts || compareText(a.row_id, b.row_id));
      this.#rows.set(name, rows);
    }
    this.#change(name, rows, () => rows.add(row));
  }

  delete(row: StepRow): void {
    const name = actorOf(row);
    const rows = name === null ? undefined : this.#rows.get(name);
    if (name === null || rows === undefined) return;
    this.#change(name, rows, () => rows.delete(row));
    if (rows.size === 0) this.#rows.delete(name);
  }

  /** The last instant of the actors other than `me`, without rows that are hidden. */
  lastOfOthers(me: string, isHidden: (row: StepRow) => boolean): number | undefined {
    let latest: number | undefined;
    for (const { name, last } of this.#actors.backwards()) {
      if (latest !== undefined && last <= latest) break;
      if (name === me) continue;
      for (const row of this.#rows.get(name)?.backwards() ?? []) {
        if (isHidden(row)) continue;
        latest = Math.max(latest ?? -Infinity, row.last_update_ts);
        break;
      }
    }
    return latest;
  }

  #change(name: string, rows: SortedList<StepRow>, change: () => unknown): void {
    const before = rows.last()?.last_update_ts;
    change();
    const after = rows.last()?.last_update_ts;
    if (before === after) return;
    if (before !== undefined) this.#actors.delete({ name, last: before });
    if (after !== undefined) this.#actors.add({ name, last: after });
  }
}

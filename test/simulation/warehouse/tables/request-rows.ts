/**
 * The rows of EXCHANGE_REQUEST, and the newest one of each incarnation.
 *
 * A look reads the newest request of each of a thousand pods. So these are kept, and not sought among all rows each time.
 */
import type { RequestRow } from '../tables.js';
import { askedWithin } from '../values.js';
import { GroupedRows } from './grouped-rows.js';
import { firstNot } from './sorted-list.js';

export class RequestRows extends GroupedRows<RequestRow> {
  /** The row of each incarnation that was asked last, in the order in which they were asked. */
  #last: RequestRow[] = [];
  /** Incarnations whose numbers do not rise from row to row: of these, the last row may not be the newest. */
  readonly #irregular = new Set<string>();
  readonly #tokens = new Map<string, number>();
  #shared = 0;

  constructor() {
    super(
      (row) => row.incarnation,
      (row) => row.asked_ts,
    );
  }

  /** Whether any two rows have the same token. */
  get haveSharedTokens(): boolean {
    return this.#shared > 0;
  }

  override insert(row: RequestRow): void {
    const before = this.of(row.incarnation);
    super.insert(row);
    this.#count(row, 1);
    const last = before[before.length - 1];
    if (last !== undefined && (row.asked_ts < last.asked_ts || row.seq <= last.seq)) {
      this.#irregular.add(row.incarnation);
    }
    this.#replaceLast(row.incarnation, lastOf(before), lastOf(this.of(row.incarnation)));
  }

  override delete(rows: ReadonlySet<RequestRow>): void {
    super.delete(rows);
    if (rows.size === 0) return;
    for (const row of rows) this.#count(row, -1);
    const gone = new Set([...rows].map(({ incarnation }) => incarnation));
    for (const incarnation of gone) if (this.of(incarnation).length === 0) this.#irregular.delete(incarnation);
    this.#last = this.#last.filter(({ incarnation }) => !gone.has(incarnation));
    for (const incarnation of gone) this.#replaceLast(incarnation, undefined, lastOf(this.of(incarnation)));
  }

  /**
   * The newest row of each incarnation that was asked within `ms`: the one with the greatest number, of equals the first.
   *
   * @param apart incarnations that are left out
   */
  newest(ms: number, now: number, apart?: ReadonlySet<string>): RequestRow[] {
    const newest: RequestRow[] = [];
    for (let i = firstNot(this.#last, ({ asked_ts }) => asked_ts <= now - ms); i < this.#last.length; i++) {
      const row = this.#last[i];
      if (row === undefined) break;
      if (apart?.has(row.incarnation) === true) continue;
      const isLast = this.#irregular.size === 0 || !this.#irregular.has(row.incarnation);
      if (isLast && askedWithin(row.asked_ts, ms, now)) newest.push(row);
      else newest.push(...newestOf(this.of(row.incarnation), ms, now));
    }
    return newest;
  }

  #replaceLast(incarnation: string, before: RequestRow | undefined, after: RequestRow | undefined): void {
    if (before === after) return;
    if (before !== undefined) this.#last.splice(this.#last.indexOf(before), 1);
    if (after === undefined) return;
    this.#last.splice(
      firstNot(this.#last, ({ asked_ts }) => asked_ts <= after.asked_ts),
      0,
      after,
    );
  }

  #count({ token }: RequestRow, difference: number): void {
    const before = this.#tokens.get(token) ?? 0;
    const after = before + difference;
    if (after === 0) this.#tokens.delete(token);
    else this.#tokens.set(token, after);
    this.#shared += Number(after > 1) - Number(before > 1);
  }
}

/** None, or the newest of these. */
export function newestOf(rows: readonly RequestRow[], ms: number, now: number): RequestRow[] {
  let newest: RequestRow | undefined;
  for (const row of rows) {
    if (askedWithin(row.asked_ts, ms, now) && (newest === undefined || row.seq > newest.seq)) newest = row;
  }
  return newest === undefined ? [] : [newest];
}

function lastOf(rows: readonly RequestRow[]): RequestRow | undefined {
  let last: RequestRow | undefined;
  for (const row of rows) if (last === undefined || row.asked_ts >= last.asked_ts) last = row;
  return last;
}

/**
 * Writes rows as a table without borders, page by page.
 *
 * Invariants:
 * - The first page decides the widths of the columns. So a listing of any length needs the memory of one page.
 * - On a terminal no line is wider than it: the least important columns are left out, and flexible ones shrink, the
 *   widest first. Elsewhere nothing is cut.
 * - Cells are made neutral, whatever a step holds.
 */
import type { Output } from './output.js';
import { neutral } from './neutral.js';
import type { Paint } from './colours.js';
import { cut, padded, widthOf } from './width.js';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** To how many columns it may shrink. Default: it does not. */
  readonly shrinksTo?: number;
  /** On a terminal that is too narrow for all, the column of the lowest number is left out first. Default: never. */
  readonly dropped?: number;
}

/** A cell, or a cell with a format such as a colour. */
export type Cell = string | { readonly text: string; readonly format: Parameters<Paint>[0] };

const GAP = 2;

interface Placed {
  readonly column: Column;
  /** Its place in a row. */
  readonly index: number;
  width: number;
}

export class Table {
  readonly #output: Pick<Output, 'write' | 'columns'>;
  readonly #paint: Paint;
  readonly #columns: readonly Column[];
  #placed: readonly Placed[] | undefined;

  constructor(output: Pick<Output, 'write' | 'columns'>, paint: Paint, columns: readonly Column[]) {
    this.#output = output;
    this.#paint = paint;
    this.#columns = columns;
  }

  /** Writes rows, and the titles above the first of them. */
  async write(rows: readonly (readonly Cell[])[]): Promise<void> {
    const titles = this.#columns.map(({ title }): Cell => ({ text: title, format: 'bold' }));
    const shown = this.#placed === undefined ? [titles, ...rows] : rows;
    const placed = (this.#placed ??= fitted(this.#columns, shown, this.#output.columns));
    if (shown.length > 0) await this.#output.write(`${shown.map((row) => this.#line(row, placed)).join('\n')}\n`);
  }

  #line(row: readonly Cell[], placed: readonly Placed[]): string {
    let room = this.#output.columns;
    const parts: string[] = [];
    for (const { column, index, width } of placed) {
      const isLast = parts.length === placed.length - 1;
      const part = cellText(textOf(row[index]), column, width, room, isLast);
      parts.push(this.#painted(part, row[index]));
      room -= widthOf(part) + GAP;
      if (room <= 0) break;
    }
    return parts.join(' '.repeat(GAP)).trimEnd();
  }

  #painted(text: string, cell: Cell | undefined): string {
    return typeof cell === 'object' ? this.#paint(cell.format, text) : text;
  }
}

/** The columns that fit, and how wide they are. */
function fitted(columns: readonly Column[], rows: readonly (readonly Cell[])[], room: number): Placed[] {
  const all = columns.map((column, index) => ({
    column,
    index,
    width: Math.max(...rows.map((row) => widthOf(textOf(row[index])))),
  }));
  const placed = withoutLeastImportant(all, room);
  for (let excess = totalOf(placed, ({ width }) => width) - room; excess > 0; excess--) {
    const shrinkable = placed.filter((one) => one.width > leastOf(one));
    const [widest] = shrinkable.toSorted((a, b) => b.width - a.width);
    if (widest === undefined) break;
    widest.width--;
  }
  return placed;
}

function withoutLeastImportant(all: Placed[], room: number): Placed[] {
  const placed = [...all];
  while (totalOf(placed, leastOf) > room) {
    const [least] = placed.filter(({ column }) => column.dropped !== undefined).toSorted(byDropped);
    if (least === undefined) break;
    placed.splice(placed.indexOf(least), 1);
  }
  return placed;
}

function byDropped(a: Placed, b: Placed): number {
  return (a.column.dropped ?? 0) - (b.column.dropped ?? 0);
}

function leastOf({ column, width }: Placed): number {
  return Math.min(width, column.shrinksTo ?? width);
}

function totalOf(placed: readonly Placed[], widthIn: (one: Placed) => number): number {
  return placed.reduce((sum, one) => sum + widthIn(one), GAP * (placed.length - 1));
}

/** The last column takes all the room that is left. Where there is no terminal, nothing is cut. */
function cellText(text: string, { align = 'left' }: Column, width: number, room: number, isLast: boolean): string {
  if (isLast && align === 'left') return room === Infinity ? text : cut(text, room);
  const most = Math.min(width, room);
  return padded(room === Infinity ? text : cut(text, most), most, align);
}

function textOf(cell: Cell | undefined): string {
  return neutral(typeof cell === 'object' ? cell.text : (cell ?? ''));
}

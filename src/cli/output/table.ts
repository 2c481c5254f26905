/**
 * Writes rows as a table without borders, page by page.
 *
 * Invariants:
 * - The first page decides the widths of the columns. So a listing of any length needs the memory of one page.
 * - On a terminal no line is wider than it: flexible columns shrink, the widest first. Elsewhere nothing is cut.
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
}

/** A cell, or a cell with a format such as a colour. */
export type Cell = string | { readonly text: string; readonly format: Parameters<Paint>[0] };

const GAP = 2;

export class Table {
  readonly #output: Pick<Output, 'write' | 'columns'>;
  readonly #paint: Paint;
  readonly #columns: readonly Column[];
  #widths: readonly number[] | undefined;

  constructor(output: Pick<Output, 'write' | 'columns'>, paint: Paint, columns: readonly Column[]) {
    this.#output = output;
    this.#paint = paint;
    this.#columns = columns;
  }

  /** Writes rows, and the titles above the first of them. */
  async write(rows: readonly (readonly Cell[])[]): Promise<void> {
    const isFirst = this.#widths === undefined;
    this.#widths ??= this.#fit(rows);
    const titles = this.#columns.map(({ title }): Cell => ({ text: title, format: 'bold' }));
    const lines = (isFirst ? [titles, ...rows] : rows).map((row) => this.#line(row));
    if (lines.length > 0) await this.#output.write(`${lines.join('\n')}\n`);
  }

  #fit(rows: readonly (readonly Cell[])[]): number[] {
    const widths = this.#columns.map(({ title }, i) =>
      Math.max(widthOf(title), ...rows.map((row) => widthOf(textOf(row[i])))),
    );
    const flexible = this.#columns.map(({ shrinksTo }) => shrinksTo ?? Infinity);
    let excess = widths.reduce((sum, width) => sum + width, GAP * (widths.length - 1)) - this.#output.columns;
    for (; excess > 0; excess--) {
      const widest = widths.reduce(
        (best, width, i) => (width > (flexible[i] ?? Infinity) && width > (widths[best] ?? 0) ? i : best),
        -1,
      );
      if (widest === -1) break;
      widths[widest] = (widths[widest] ?? 0) - 1;
    }
    return widths;
  }

  #line(row: readonly Cell[]): string {
    let room = this.#output.columns;
    const parts: string[] = [];
    for (const [i, column] of this.#columns.entries()) {
      const isLast = i === this.#columns.length - 1;
      const part = this.#cell(textOf(row[i]), column, this.#widths?.[i] ?? 0, room, isLast);
      parts.push(this.#painted(part, row[i]));
      room -= widthOf(part) + GAP;
      if (room <= 0) break;
    }
    return parts.join(' '.repeat(GAP)).trimEnd();
  }

  #cell(text: string, { align = 'left' }: Column, width: number, room: number, isLast: boolean): string {
    const fitting = room === Infinity ? text : cut(text, Math.min(width, room));
    return isLast && align === 'left' ? fitting : padded(fitting, Math.min(width, room), align);
  }

  #painted(text: string, cell: Cell | undefined): string {
    return typeof cell === 'object' ? this.#paint(cell.format, text) : text;
  }
}

function textOf(cell: Cell | undefined): string {
  return neutral(typeof cell === 'object' ? cell.text : (cell ?? ''));
}
